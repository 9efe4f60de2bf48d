"""From YAML to an Estate, with every problem told at once; and back."""
