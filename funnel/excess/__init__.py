"""What media mentions bring above what was usual: counted by minute and by day, and told."""
