"""From a file to tidy rows: receive, identify, read. Nothing here judges; nothing here changes what was received."""
