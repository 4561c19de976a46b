#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts a sipp scenario together from steps, so that a test says only what is special about it.

usage: make.py caller|callee STEP... > file.xml
A step is a word, with options behind a colon. Caller: invite[:nosdp] ringing busy:CODE answer answer_or:CODE ack[:sdp] pause[:MS] bye
cancel cancelled reinvite:DIRECTION[:PORT] rebye ring:CODE[:rel] prack[:sdp] update:DIRECTION|none[:PORT] answer:nosdp; invite:rel says
that reliable provisional responses are taken; authenticate. Callee: challenge:CODE:ALGORITHM:NONCE:REALM[:stale] moved:CONTACTS invite[:nosdp] ringing progress answer[:offer] reject:CODE[:PHRASE] ack
cancel reinvite:DIRECTION bye. For early dialogs: invite:keep[:PORT] remembers the INVITE (PORT: where RTP is for rtpmark), then
say:CODE:TAG[:PORT[:PAYLOAD]][:rel=N] answers it as the fork TAG, reliably with RSeq N; got:METHOD[:sdp] takes a request and answers it.
"""
import sys

role, steps = sys.argv[1], sys.argv[2:]
A = {"from": "\"Alice\" <sip:alice[call_number]@[local_ip]:[local_port]>;tag=[pid]a[call_number]", "to": "<sip:+44[call_number]@a.example>"}
cseq = invite_cseq = 0

def sdp(user, direction="sendrecv", port="[auto_media_port]", version=1):
    return f"""v=0
o={user} 123 {version} IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[local_ip_type] [local_ip]
t=0 0
m=audio {port} RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
a={direction}
"""

def send(text, body="", retrans=True):
    if body:
        text += "Content-Type: application/sdp\nContent-Length: [len]\n\n" + body
    else:
        text += "Content-Length: 0\n\n"
    print(f'  <send{" retrans=" + chr(34) + "500" + chr(34) if retrans else ""}>\n<![CDATA[\n{text}]]>\n  </send>')

def request(method, number, body="", uri="[next_url]", to="[peer_tag_param]", extra="", retrans=True):
    via = "[branch]"
    routes = "[routes]\n" if uri == "[next_url]" else ""
    send(f"""{method} {uri} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={via}
{routes}From: {A['from']}
To: {A['to']}{to}
Call-ID: [call_id]
CSeq: {number} {method if method not in ("ACK",) else "ACK"}
Contact: <sip:alice@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
{extra}""", body, retrans)

def response(status, phrase, body="", tag=";tag=[pid]b[call_number]", retrans=False, extra="", contact=True):
    send(f"""SIP/2.0 {status} {phrase}
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
{"Contact: <sip:bob@[local_ip]:[local_port];transport=[transport]>" + chr(10) if contact else ""}{extra}""", body, retrans)

def recv(what, extra="", inner=""):
    print(f'  <recv {what}{extra}>{inner}</recv>' if inner else f'  <recv {what}{extra}/>')

def learn(side, key, port="#[call_number]"):
    return f"""
    <action>
      <ereg regexp="m=audio ([0-9]+)" search_in="body" check_it="true" assign_to="m,port"/>
      <ereg regexp="c=IN IP[46] ([0-9a-fA-F.:]+)" search_in="body" check_it="true" assign_to="c,ip"/>
      {'<ereg regexp="sip:([^@]+)@" search_in="hdr" header="To:" check_it="true" assign_to="t,user"/>' if side == "B" else ''}
      <log message="MEDIA {side} {key} [local_ip] {port} [$ip] [$port]"/>
    </action>
"""

print('<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="%s">' % role)
used = refused = False
variables = []
RELIABLE = "Supported: 100rel\nAllow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE\n"
def keep(*headers):
    names = [h.lower().rstrip(":") for h in headers]
    variables.extend(names)
    return "<action>" + "".join(f'<ereg regexp=".*" search_in="hdr" header="{h}" assign_to="{n}"/>' for h, n in zip(headers, names)) + "</action>"

optional = '<recv response="100" optional="true"/>'
for step in steps:
    word, *o = step.split(":")
    if role == "caller":
        if word == "invite":
            invite_cseq = cseq = cseq + 1
            request("INVITE", cseq, "" if "nosdp" in o else sdp("alice"), uri="sip:+44[call_number]@a.example", to="",
                    extra=RELIABLE if "rel" in o else "")
            print("  " + optional)
        elif word == "ringing":
            recv('response="180"')
        elif word == "progress":
            recv('response="183"', "", learn("A", "+44[call_number]")); used = True
        elif word == "busy":
            recv(f'response="{o[0]}"')
            request("ACK", cseq, uri="sip:+44[call_number]@a.example", retrans=False)
        elif word == "ring":
            recv(f'response="{o[0]}"', ' rrs="true"', keep("RSeq:") if "rel" in o else "")
        elif word == "prack":
            cseq += 1
            request("PRACK", cseq, sdp("alice", version=cseq) if "sdp" in o else "", extra="RAck: [$rseq] 1 INVITE\n")
            recv('response="200"')
        elif word == "update":
            cseq += 1
            body = "" if o[0] == "none" else sdp("alice", o[0], o[1] if len(o) > 1 else "[auto_media_port]", cseq)
            request("UPDATE", cseq, body)
            recv('response="200"')
        elif word == "answer" and "nosdp" in o:
            recv('response="200"', ' rrs="true"')
        elif word == "answer":
            print('  <recv response="180" optional="true"/>')
            recv('response="200"', ' rrs="true"', learn("A", "+44[call_number]")); used = True
        elif word == "answer_or":  # this final response is as good, and ends the call
            print(f'  <recv response="180" optional="true"/>\n  <recv response="{o[0]}" optional="true" next="9"/>')
            recv('response="200"', ' rrs="true"')
            refused = True
        elif word == "reanswer":
            recv('response="200"', ' rrs="true"')
        elif word == "authenticate":  # a 401 to the INVITE, and the INVITE with credentials (-au, -ap)
            recv('response="401"', ' auth="true"')
            request("ACK", cseq, uri="sip:+44[call_number]@a.example", retrans=False)
            invite_cseq = cseq = cseq + 1
            request("INVITE", cseq, sdp("alice"), uri="sip:+44[call_number]@a.example", to="", extra="[authentication]\n")
            print("  " + optional)
        elif word == "ack":
            request("ACK", invite_cseq, sdp("alice") if "sdp" in o else "", retrans=False)
        elif word == "pause":
            print(f'  <pause milliseconds="{o[0]}"/>' if o else "  <pause/>")
        elif word == "cancel":
            send(f"""CANCEL sip:+44[call_number]@a.example SIP/2.0
[last_Via:]
From: {A['from']}
To: {A['to']}
Call-ID: [call_id]
CSeq: {cseq} CANCEL
Max-Forwards: 70
Reason: SIP;cause=487;text="caller gave up"
""")
            recv('response="200"')
        elif word == "reinvite":
            invite_cseq = cseq = cseq + 1
            request("INVITE", cseq, sdp("alice", o[0], o[1] if len(o) > 1 else "[auto_media_port]", cseq))
            print("  " + optional)
        elif word == "bye":
            cseq += 1
            request("BYE", cseq)
            recv('response="200"')
        elif word == "await_bye":
            recv('request="BYE"')
            response(200, "OK", tag="")
        else:
            sys.exit(f"caller step {step}?")
    else:
        if word == "invite" and "keep" in o:
            recv('request="INVITE"', ' rrs="true"', (learn("B", "[$user]", o[1]) if len(o) > 1 else "").replace("</action>", "").rstrip() + keep("Via:", "From:", "To:").replace("<action>", "" if len(o) > 1 else "<action>"))
            used = used or len(o) > 1
        elif word == "say":
            rel = [x[4:] for x in o if x.startswith("rel=")]
            o = [x for x in o if not x.startswith("rel=")]
            body = ""
            if len(o) > 2:
                body = sdp("bob", port=o[2])
                if len(o) > 3:
                    body = body.replace("RTP/AVP 8 ", f"RTP/AVP {o[3]} ").replace("a=rtpmap:8 PCMA/8000\n", "")
            send(f"""SIP/2.0 {o[0]} Said
Via:[$via]
From:[$from]
To:[$to];tag=[pid]{o[1]}[call_number]
[last_Call-ID:]
CSeq: 1 INVITE
Contact: <sip:bob@[local_ip]:[local_port];transport=[transport]>
Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE
{f"Require: 100rel{chr(10)}RSeq: {rel[0]}{chr(10)}" if rel else ""}""", body, retrans=False)
        elif word == "got":
            recv(f'request="{o[0]}"', ' crlf="true"')
            if o[0] != "ACK":
                response(200, "OK", sdp("bob", version=3) if "sdp" in o else "", tag="")
        elif word == "invite":
            recv('request="INVITE"', ' rrs="true"', "" if "nosdp" in o else learn("B", "[$user]"))
            used = used or "nosdp" not in o
        elif word == "reinvite":
            recv('request="INVITE"', ' rrs="true"')
            print(f'  <!-- expects {o[0]} -->')
        elif word == "ringing":
            response(180, "Ringing")
        elif word == "progress":
            response(183, "Session Progress", sdp("bob"))
        elif word == "answer":
            response(200, "OK", sdp("bob", o[0] if o else "sendrecv"), retrans=True)
        elif word == "reanswer":
            response(200, "OK", sdp("bob", o[0], version=2), tag="", retrans=True)
        elif word == "reject":
            response(o[0], o[1] if len(o) > 1 else "Rejected", retrans=True)
            recv('request="ACK"')
        elif word == "challenge":  # CODE:ALGORITHM:NONCE:REALM[:stale]
            name = "WWW-Authenticate" if o[0] == "401" else "Proxy-Authenticate"
            stale = ", stale=true" if "stale" in o else ""
            response(o[0], "Who Are You", retrans=True,
                     extra=f'{name}: Digest realm="{o[3]}", nonce="{o[2]}", qop="auth", algorithm={o[1]}{stale}\n')
            recv('request="ACK"')
        elif word == "moved":  # to these Contacts
            response(302, "Moved", retrans=True, extra=f'Contact: {":".join(o)}\n', contact=False)
            recv('request="ACK"')
        elif word == "ack":
            recv('request="ACK"', ' crlf="true"')
        elif word == "cancel":
            recv('request="CANCEL"')
            response(200, "OK")
            print('  <send retrans="500">\n<![CDATA[\nSIP/2.0 487 Request Terminated\n[last_Via:]\n[last_From:]\n'
                  '[last_To:];tag=[pid]b[call_number]\n[last_Call-ID:]\nCSeq: 1 INVITE\nContent-Length: 0\n\n]]>\n  </send>')
            recv('request="ACK"')
        elif word == "bye":
            recv('request="BYE"')
            response(200, "OK", tag="")
        elif word == "pause":
            print(f'  <pause milliseconds="{o[0]}"/>' if o else "  <pause/>")
        else:
            sys.exit(f"callee step {step}?")
if refused:
    print('  <nop next="8"/>\n  <label id="9"/>')
    request("ACK", 1, uri="sip:+44[call_number]@a.example", retrans=False)
    print('  <label id="8"/>')
names = variables + ((["m", "c"] if role == "caller" else ["m", "c", "t"]) if used else [])
if names:
    print('  <Reference variables="%s"/>' % ",".join(dict.fromkeys(names)))
print("</scenario>")
