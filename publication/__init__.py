"""From accepted rows to releases: the build of the warehouse, immutable releases, and reading them."""
