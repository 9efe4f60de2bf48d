"""What people read: plans, drift, summaries."""
