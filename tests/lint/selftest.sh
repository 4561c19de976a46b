#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Feeds every check a clean tree, which it must pass, and trees with one violation each, which it must fail and name.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
spdx='/* SPDX-License-Identifier: Apache-2.0 */'
failed=0

# fresh: a new clean tree in $tree
fresh() {
	tree=$tmp/tree
	rm -rf "$tree"
	mkdir -p "$tree"/{common/net,common/cli,proto,sbe/{sip,sdp,gate,peer,call},dbe/{pool,path},tests/{lint,unit/common},build/obj/common}
	cp "$root/.clang-format" "$tree/"
	cp "$here/layers.txt" "$here/globals.txt" "$tree/tests/lint/"
	put common/mem.h 'int mem_one(int a, int b);'
	put common/mem.c '#include "common/mem.h"' '' 'int mem_one(int a, int b)' '{' '	return a + b;' '}'
	put sbe/sip/txn.c '#include <sofia-sip/sip.h>' '#include "common/mem.h"' '' 'int txn_one;'
	put sbe/call/call.c '#include "sbe/sip/txn.h"' '#include "sbe/sdp/body.h"' '#include "sbe/gate/gate.h"'
	compile
}

put() { # path lines...
	local path=$tree/$1
	shift
	mkdir -p "$(dirname "$path")"
	printf '%s\n' "$spdx" "$@" >"$path"
}

compile() {
	(cd "$tree" && gcc -std=gnu11 -I. -c -o build/obj/common/mem.o common/mem.c)
}

run() {
	LINT_ROOT=$tree BUILD=build "$here/check_$1" 2>&1
}

passes() { # check what
	local out
	if ! out=$(run "$1"); then
		echo "selftest: check_$1 refuses $2:"
		echo "$out"
		failed=$((failed + 1))
	fi
}

fails() { # check expected-text
	local out
	if out=$(run "$1"); then
		echo "selftest: check_$1 passed a tree in which '$2' was expected"
		failed=$((failed + 1))
	elif ! grep -qF -- "$2" <<<"$out"; then
		echo "selftest: check_$1 failed, but did not say '$2':"
		echo "$out"
		failed=$((failed + 1))
	fi
	fresh
}

many() { # count text
	local i
	for ((i = 0; i < $1; i++)); do printf '%s\n' "$2"; done
}

fresh
for check in layers size names symbols format cppcheck; do
	passes $check "a clean tree"
done

# layers
put common/mem.c '#include "sbe/sip/txn.h"'
fails layers 'common/mem.c:2: common [0] may not include sbe/sip [2]'
put sbe/peer/peer.c '#include "sbe/call/call.h"'
fails layers 'sbe/peer [3] may not include sbe/call [6]'
put dbe/pool/pool.c '#include "sbe/sip/txn.h"'
fails layers 'dbe/pool [2] may not include sbe/sip'
put dbe/path/path.c '#  include "proto/message.h"'
fails layers 'dbe/path [3] may not include proto'
put sbe/sip/txn.c '#include "sbe/sdp/body.h"'
fails layers 'sbe/sip [2] may not include sbe/sdp [2]'
put sbe/call/call.c '#include <sofia-sip/msg.h>'
fails layers 'sofia-sip headers only in sbe/sip'
put sbe/call/call.c '#include "common/cli/view.h"'
fails layers 'may not include common/cli'
put sbe/call/call.c '#include "call.h"'
fails layers 'without its folder'
put sbe/call/call.c '#include "sbe/call/call_bye.c"'
fails layers 'is not a header'
put sbe/peer/peer.c '#include "sbe/sip/a.h"' '#include "sbe/sdp/b.h"' '#include "sbe/gate/c.h"'
fails layers 'sees sip, sdp and gate together'
put sbe/gate/gate.c '#include "proto/gate.pb-c.h"'
fails layers 'generated protobuf'
put sbe/extra/x.c 'int extra_x;'
fails layers 'folder sbe/extra is not in layers.txt'
echo 'sbe/sip 2 sbe/call' >>"$tree/tests/lint/layers.txt"
fails layers 'not lower'

# size
put common/long.c "$(many 600 '/* line */')"
fails size 'common/long.c:1: 601 lines'
put common/mem.c 'static int' 'mem_long(int a, const char *s)' '{' "$(many 40 '	if (a) {')" '	a = "}}}"[0] + '"'}'"'; /* } */' \
	"$(many 40 '	}')" "$(many 7 '	a++;')" '	return a;' '}'
fails size 'common/mem.c:2: function mem_long has 93 lines'
put common/mem.c 'int mem_x(int a, int b)' '{' "$(many 45 '	a++;')" '}' '' 'int mem_y(int a, int b)' '{' "$(many 44 '	a++;')" '}'
passes size 'two functions of half the length'
put common/mem.h 'int mem_many(int a, int b, int c, int (*cb)(int x, int y), int e, int f,' '	     int g);'
fails size 'common/mem.h:2: mem_many has 7 parameters'
put common/mem.h 'int mem_some(int a, int b, int c, int (*cb)(int x, int y), int e, int f)' '	__attribute__((format(printf, 1, 2)));'
passes size 'six parameters, one of them a function'
put common/mem.h 'typedef void (*mem_event_h)(int a, int b, int c, int d, int e, int f, void *arg);'
fails size 'mem_event_h has 7 parameters'
put common/mem.c 'static const struct mem_row rows[] = {' "$(many 120 '	{1, 2},')" '};' '' '#define MEM_X(a, b, c, d, e, f, g) { \' '	(a) }'
passes size 'a long table and a macro'

# names
put common/str_util.c 'int str_x;'
fails names 'common/str_util.c:1: a name that says nothing'
put sbe/types.h 'struct x;'
fails names 'sbe/types.h:1'
printf 'int x;\n' >"$tree/common/x.c"
fails names 'common/x.c:1: no SPDX'
put common/x.c '/* see /wo''rk/main/x */'
fails names 'common/x.c:2:'
put common/x.c '/* as in ../sha''red/x */'
fails names 'something outside this repository'
put common/x.c '/* as the req''uirements.md says */'
fails names 'no such file in docs'
printf '# SPDX-License-Identifier: Apache-2.0\nif then\n' >"$tree/tests/x.sh"
fails names 'tests/x.sh:1: does not parse'

# symbols
put common/mem.c 'int sip_thing(void);' 'int sip_thing(void)' '{' '	return 1;' '}'
compile
fails symbols 'global symbol sip_thing has a prefix of sofia-sip'
name=$(nm -D --defined-only "$(find /usr/lib /usr/local/lib -name libsofia-sip-ua.so | head -n 1)" | sed 's/@.*//' |
	awk '$2 == "T" { print $3 }' | grep -vE '^(sip|msg|sdp|url|su|tls|tport|nta|nua|auth|sres|soa|stun|http|nea|nth|host|span|scan|base64|token64|bm)_' | head -n 1)
if [ -n "$name" ]; then
	put common/mem.c "int $name(void);" "int $name(void)" '{' '	return 1;' '}'
	compile
	fails symbols "$name exists in libsofia-sip-ua"
fi
put common/mem.c 'int mem_count;'
compile
fails symbols 'writable variable mem_count with external linkage'
put common/mem.c 'extern const int mem_table[2];' 'const int mem_table[2] = {1, 2};' 'extern const char *const mem_words[1];' 'const char *const mem_words[1] = {"a"};'
compile
passes symbols 'const tables'
put common/mem.c 'int mem_one(int a);' 'int mem_one(int a)' '{' '	return a;' '}'
compile
mkdir -p "$tree/build/obj/sbe/sip"
cp "$tree/build/obj/common/mem.o" "$tree/build/obj/sbe/sip/"
fails symbols 'mem_one is also defined in'
rm -r "$tree/build/obj"
fails symbols 'no objects'

# format, cppcheck
put common/mem.c 'int mem_one( int a )' '{' '    return a;' '}'
fails format 'common/mem.c:2:'
put common/mem.c 'int mem_one(int a)' '{' '	int t[2] = {0, 1};' '	return t[5] + a;' '}'
fails cppcheck 'arrayIndexOutOfBounds'

[ $failed -eq 0 ] && echo "every check passes a clean tree and refuses its violations"
[ $failed -eq 0 ]
