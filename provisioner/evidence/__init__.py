"""What was seen and done, so that others can check it: records, signatures, packs."""
