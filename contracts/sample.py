"""Sample files hold invented figures, and are told by the first word of their names."""

SAMPLE_PREFIX = "SAMPLE "


def is_sample(file_name: str) -> bool:
    """Whether a file is of the sample that `metstats sample` writes."""
    return file_name.startswith(SAMPLE_PREFIX)
