"""From the captured bursts to volume: transit times, presence of water, flow, threshold, totals."""
