#!/bin/sh
# Says of everyone that they are known.
while read -r line; do
    id=${line#*\"id\":}
    echo "{\"id\":${id%%,*},\"score\":7,\"listed\":true,\"name\":\"Wine shop\"}"
done
