"""`read: crawl`: a polite crawler on Scrapy whose result is a snapshot of WARC files.

params (what may be asked for) -> scope (which URLs) -> frontier (SQLite: what is queued, in flight,
done) -> spider (politeness, retries, what becomes of an answer) over net (Scrapy's downloader with
guarded addresses) -> warcfile (what was fetched).
"""
