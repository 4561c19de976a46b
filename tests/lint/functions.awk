# SPDX-License-Identifier: Apache-2.0
# Reads C and prints `length parameters line name file` of every function definition, and `0 parameters line name file` of
# every prototype or function pointer type. Comments, strings, character constants and preprocessor lines are skipped; braces
# are counted, so layout does not matter. Length is from the line where the declaration starts to its closing brace.

function reset_file() {
	depth = 0; in_comment = 0; in_macro = 0; head = ""; head_line = 0; in_function = 0
}

# Number of parameters in the last top-level pair of parentheses of `s`; -1 without one. Sets `found_name`.
function parameters(s,    i, c, d, start, n, any, stop, inner) {
	gsub(/__attribute__[ \t]*\(\([^;{]*\)\)/, " ", s)
	sub(/[ \t]+$/, "", s)
	if (s !~ /\)$/)
		return -1
	d = 0
	for (i = length(s); i > 0; i--) {
		c = substr(s, i, 1)
		if (c == ")")
			d++
		else if (c == "(" && --d == 0)
			break
	}
	start = i
	if (start < 2)
		return -1
	found_name = substr(s, 1, start - 1)
	sub(/[ \t]+$/, "", found_name)
	# (*name) of a function pointer, or the last word before the parenthesis
	gsub(/[()*]/, " ", found_name)
	sub(/[ \t]+$/, "", found_name)
	sub(/.*[ \t]/, "", found_name)
	n = 0; any = 0; d = 0
	stop = length(s)
	inner = substr(s, start + 1, stop - start - 1)
	for (i = 1; i <= length(inner); i++) {
		c = substr(inner, i, 1)
		if (c == "(" || c == "[" || c == "{")
			d++
		else if (c == ")" || c == "]" || c == "}")
			d--
		else if (c == "," && d == 0)
			n++
		if (c != " " && c != "\t")
			any = 1
	}
	if (!any || inner ~ /^[ \t]*void[ \t]*$/)
		return 0
	return n + 1
}

function open_brace(    p) {
	if (depth++ > 0)
		return
	# At the top level: a function body when the text before it ends in its parameters
	p = (head ~ /=/ || head ~ /^[ \t]*(typedef|struct|union|enum)[^()]*$/) ? -1 : parameters(head)
	if (p >= 0) {
		in_function = 1
		name = found_name
		start_line = head_line
		params = p
	}
}

function close_brace() {
	if (depth > 0 && --depth > 0)
		return
	if (in_function) {
		print FNR - start_line + 1, params, start_line, name, FILENAME
		in_function = 0
		head = ""
	}
	# what follows a struct body, as in `} name;`, is still the same declaration
}

function end_statement(    p) {
	if (depth > 0)
		return
	if (head ~ /\(/ && head !~ /=/) {
		p = parameters(head)
		if (p >= 0)
			print 0, p, head_line, found_name, FILENAME
	}
	head = ""
}

FNR == 1 { reset_file() }

{
	line = $0
	sub(/\r$/, "", line)
	if (!in_comment && (in_macro || line ~ /^[ \t]*#/)) {
		in_macro = (line ~ /\\$/)
		next
	}
	n = length(line)
	for (k = 1; k <= n; k++) {
		c = substr(line, k, 1)
		two = substr(line, k, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				k++
			}
			continue
		}
		if (two == "/*") {
			in_comment = 1
			k++
			continue
		}
		if (two == "//")
			break
		if (c == "\"" || c == "'") {
			for (k++; k <= n && substr(line, k, 1) != c; k++)
				if (substr(line, k, 1) == "\\")
					k++
			c = "0"
		}
		if (c == "{") {
			open_brace()
			continue
		}
		if (c == "}") {
			close_brace()
			continue
		}
		if (depth > 0)
			continue
		if (c == ";") {
			end_statement()
			continue
		}
		if (head == "" && (c == " " || c == "\t"))
			continue
		if (head == "")
			head_line = FNR
		head = head c
	}
	if (depth == 0 && head != "")
		head = head " "
}
