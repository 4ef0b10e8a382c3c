#!/bin/sh
# Stands in for the server in the tests of the harness: does what $SCRIPT says.
eval "$SCRIPT"
