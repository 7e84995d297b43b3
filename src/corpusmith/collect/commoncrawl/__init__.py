"""Common Crawl: files by path list, records by the columnar index, through range requests."""
