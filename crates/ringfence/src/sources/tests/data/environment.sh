#!/bin/sh
# Says how much it was given: arguments, and whether there are variables of ours.
read -r line
echo "{\"id\":1,\"score\":$#,\"name\":\"${CARGO_MANIFEST_DIR-nothing}${HOME-}\"}"
read -r line
