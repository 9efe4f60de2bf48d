"""What the sections of a site's posture say, each a pure function of what was read."""
