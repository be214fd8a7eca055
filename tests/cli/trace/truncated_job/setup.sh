head -c 150 small.mtrace >cut.mtrace
