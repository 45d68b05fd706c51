#!/bin/sh
# Says something else.
read -r line
echo 'Hello, what can I do for you?'
read -r line
