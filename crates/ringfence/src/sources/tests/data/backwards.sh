#!/bin/sh
# Hears two questions, and answers the second one first.
read -r first
read -r second
echo "{\"id\":2,\"score\":2}"
echo "{\"id\":1,\"score\":1}"
read -r third
