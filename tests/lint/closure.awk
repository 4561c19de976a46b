# SPDX-License-Identifier: Apache-2.0
# Prints the folders in `want` (space separated) and all they may include, to the end, from layers.txt.
/^#/ || NF == 0 { next }
{ for (i = 3; i <= NF; i++) edge[$1] = edge[$1] " " $i }
END {
	n = split(want, queue, " ")
	for (i = 1; i <= n; i++) {
		if (seen[queue[i]]++)
			continue
		print queue[i]
		m = split(edge[queue[i]], to, " ")
		for (j = 1; j <= m; j++)
			queue[++n] = to[j]
	}
}
