#!/bin/sh
# Says one word without end.
read -r line
text=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
while printf %s "$text" 2>/dev/null; do :; done
