"""Click groups: parse, call a workflow, print, exit."""
