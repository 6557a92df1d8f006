"""The demo's six pods, what they try, and who is asked afterwards."""
