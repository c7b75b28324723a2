"""What is shown of a scope: read from the changelogs, computed without I/O, drawn in a terminal."""
