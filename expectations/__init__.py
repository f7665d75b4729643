"""What must hold of a delivery and of a build, and the gate that decides by it."""
