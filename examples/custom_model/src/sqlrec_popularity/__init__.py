"""``example.popularity``: how often rows with a value have label 1, drawn towards the mean of all rows."""
