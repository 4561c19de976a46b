# SPDX-License-Identifier: Apache-2.0
# pki.sh - certificates for scenarios, made anew by the openssl command in $pki: NAME.pem (with its chain), NAME.key.
command -v openssl >/dev/null || { echo "openssl is not installed"; exit 77; }
pki=$TEST_TMP/pki
mkdir -p "$pki"

pki_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/$1.key" 2>/dev/null || fail "openssl"; }
authority() { # NAME
	pki_key "$1"
	openssl req -x509 -new -key "$pki/$1.key" -days 30 -subj "/CN=$1" -addext keyUsage=critical,keyCertSign,cRLSign -out "$pki/$1.pem" 2>/dev/null || fail "openssl"
}
# certificate NAME SUBJECTALTNAME AUTHORITY [EXTENSION...]; "" = no subjectAltName; PKI_SUBJECT, PKI_DATES=FROM TO (YYYYMMDDHHMMSSZ) if not the usual
certificate() {
	local name=$1 san=$2 by=$3 from="" to=""
	shift 3
	pki_key "$name"
	openssl req -new -key "$pki/$name.key" -subj "${PKI_SUBJECT:-/O=$name}" -out "$pki/$name.csr" 2>/dev/null || fail "openssl"
	{ [ -z "$san" ] || echo "subjectAltName=$san"; printf '%s\n' "$@"; } >"$pki/$name.ext"
	read -r from to <<<"${PKI_DATES:-$(date -u -d '1 hour ago' +%Y%m%d%H%M%SZ) $(date -u -d '2 days' +%Y%m%d%H%M%SZ)}"
	pki_sign "$name" "$by" "$from" "$to"
	[ ! -f "$pki/$by.chain" ] || cat "$pki/$by.chain" >>"$pki/$name.pem"
}
# By openssl's "ca", which also keeps the book that revocation lists are made of.
pki_sign() { # NAME AUTHORITY FROM TO
	local book=$pki/$2.book
	[ -d "$book" ] || { mkdir "$book"; : >"$book/index.txt"; echo 01 >"$book/crlnumber"; }
	cat >"$book/conf" <<-X
	[ca]
	default_ca = d
	[d]
	database = $book/index.txt
	new_certs_dir = $book
	crlnumber = $book/crlnumber
	rand_serial = yes
	default_md = sha256
	unique_subject = no
	policy = p
	[p]
	O = optional
	CN = optional
	X
	openssl ca -batch -notext -config "$book/conf" -cert "$pki/$2.pem" -keyfile "$pki/$2.key" -in "$pki/$1.csr" -extfile "$pki/$1.ext" \
		-startdate "$3" -enddate "$4" -out "$pki/$1.pem" >"$book/log" 2>&1 || { cat "$book/log" >&2; fail "openssl ca"; }
}
# sub_authority NAME AUTHORITY: its certificates carry the chain
sub_authority() {
	PKI_SUBJECT="/CN=$1" certificate "$1" "" "$2" basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign
	cp "$pki/$1.pem" "$pki/$1.chain"
}
# revocations FILE AUTHORITY [NAME...]: a list that names them
revocations() {
	local file=$1 by=$2 book=$pki/$2.book name
	shift 2
	for name in "$@"; do
		openssl ca -config "$book/conf" -cert "$pki/$by.pem" -keyfile "$pki/$by.key" -revoke "$pki/$name.pem" >"$book/log" 2>&1 || fail "openssl ca -revoke"
	done
	openssl ca -gencrl -crldays 2 -config "$book/conf" -cert "$pki/$by.pem" -keyfile "$pki/$by.key" -out "$pki/$file" >"$book/log" 2>&1 || fail "openssl ca -gencrl"
}
