"""Groups and their shards computed, and put together by decision."""
