"""SQL functions at work: programs over tables in memory, and the servers of APIs that run them."""
