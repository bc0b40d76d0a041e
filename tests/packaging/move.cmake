# Moves an installed prefix: relocatable packages do not notice.
file(REMOVE_RECURSE ${TO})
file(RENAME ${FROM} ${TO})
