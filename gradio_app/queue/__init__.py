"""Way of a task: intake, inspection, scheduling, dispatch, assembly, retries."""
