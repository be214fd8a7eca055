printf '\177ELF' >job.ini
