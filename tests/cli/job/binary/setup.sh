#!/bin/sh
# SPDX-License-Identifier: MIT
#
# setup.sh - a job file that is a program.
printf '\177ELF' >job.ini
