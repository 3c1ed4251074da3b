"""What the story of scripts/demonstrate.py is told with: a server to try with, and the people who use it."""
