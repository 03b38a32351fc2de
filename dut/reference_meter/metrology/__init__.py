"""The legally relevant firmware: transit times in, volume out. It knows neither the hardware's truth nor the world."""
