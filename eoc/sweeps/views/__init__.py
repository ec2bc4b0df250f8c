"""Looking at the data set of a sweep: what to select, as a table, as a file of another format."""
