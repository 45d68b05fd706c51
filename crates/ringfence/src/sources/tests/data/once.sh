#!/bin/sh
# Answers one question, and ends.
read -r line
echo '{"id":1,"score":1}'
