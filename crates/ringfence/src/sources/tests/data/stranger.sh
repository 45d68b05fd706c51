#!/bin/sh
# Answers a question that was not asked.
read -r line
echo '{"id":99,"score":1}'
read -r line
