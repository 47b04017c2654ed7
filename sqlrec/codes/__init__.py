"""What every code of a message means: pure data, read by `sqlrec explain`, the reference and SARIF."""
