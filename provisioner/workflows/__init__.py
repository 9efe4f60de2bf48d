"""One file per job; the only place where rooms meet."""
