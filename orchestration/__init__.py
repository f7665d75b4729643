"""The roof: the pipeline's stages in their order, the command line, Dagster. Wiring only, no rules."""
