#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a sipp scenario of one dialog in which either side sends any request: INFO, UPDATE, REFER, NOTIFY ...

usage: dialog.py caller|callee STEP... > file.xml
A step is a word and options behind bars. HDR is Name=Value; in what is received Value is a regular expression it must have.
  invite[|to=USER][|HDR...]       caller: send it with SDP; callee: take it
  expect|CODE[|HDR...]            take a response (100 and 180 before it are passed over)
  ack                             of the last INVITE sent
  send|METHOD[|sdp][|type=T|body=B][|HDR...]   a request in the dialog
  recv|METHOD[|body=REGEX][|HDR...]            take one; "recv|ACK" is that of our 2xx
  reply|CODE[|sdp][|HDR...]       answer the last request taken
  pause|MS
"""
import sys
from xml.sax.saxutils import quoteattr

role, steps = sys.argv[1], sys.argv[2:]
cseq = 0 if role == "caller" else 100
invite_cseq = 0
names, target = [], ""
SDP = """v=0
o=user 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[local_ip_type] [local_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
"""

def out(text, body="", kind="", retrans=True):
    text += f"Content-Type: {kind}\nContent-Length: [len]\n\n{body}" if body else "Content-Length: 0\n\n"
    print(f'  <send{" retrans=" + chr(34) + "500" + chr(34) if retrans else ""}>\n<![CDATA[\n{text}]]>\n  </send>')

def split(options):
    """headers, body, type, sdp?"""
    headers, body, kind = [], "", ""
    for o in options:
        name, _, value = o.partition("=")
        if o == "sdp":
            body, kind = SDP, "application/sdp"
        elif name == "body":
            body = value.replace("\\n", "\n")
        elif name == "type":
            kind = value
        else:
            headers.append((name, value))
    return headers, body, kind

def lines(headers):
    return "".join(f"{n}: {v}\n" for n, v in headers)

def parties():
    if role == "caller":
        return 'From: "Alice" <sip:alice@[local_ip]>;tag=[pid]a[call_number]\n' \
               f"To: <sip:{target}@a.example>[peer_tag_param]\n"
    return "From:[$myself];tag=[pid]b[call_number]\nTo:[$peer]\n"

def request(method, number, options, uri="[next_url]", retrans=True):
    headers, body, kind = split(options)
    routes = "[routes]\n" if uri == "[next_url]" else ""
    out(f"{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n{routes}{parties()}"
        f"Call-ID: [call_id]\nCSeq: {number} {method}\nContact: <sip:user@[local_ip]:[local_port]>\nMax-Forwards: 70\n{lines(headers)}",
        body, kind, retrans)

def checks(options):
    text = ""
    for name, value in split(options)[0]:
        names.append(f"v{len(names)}")
        text += f'\n      <ereg regexp={quoteattr(value)} search_in="hdr" header="{name}:" check_it="true" assign_to="{names[-1]}"/>'
    body = split(options)[1]
    if body:
        names.append(f"v{len(names)}")
        text += f'\n      <ereg regexp={quoteattr(body)} search_in="body" check_it="true" assign_to="{names[-1]}"/>'
    return text

def take(what, actions, extra=""):
    inner = f"\n    <action>{actions}\n    </action>\n  " if actions else ""
    print(f"  <recv {what}{extra}>{inner}</recv>")

print(f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{role}">')
tagged = role == "caller"
for step in steps:
    word, *o = step.split("|")
    if word == "invite" and role == "caller":
        cseq += 1
        invite_cseq = cseq
        users = [x[3:] for x in o if x.startswith("to=")]
        target = users[0] if users else "+44[call_number]"
        request("INVITE", cseq, ["sdp"] + [x for x in o if not x.startswith("to=")], uri=f"sip:{target}@a.example")
    elif word == "invite":
        take('request="INVITE"', '\n      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="peer"/>'
             '\n      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="myself"/>' + checks(o), ' rrs="true"')
        names += ["peer", "myself"]
    elif word == "expect":
        print('  <recv response="100" optional="true"/>')
        if o[0] != "180":
            print('  <recv response="180" optional="true"/>')
        take(f'response="{o[0]}"', checks(o[1:]), ' rrs="true"')
    elif word == "refused":  # a final response to our INVITE that is to be ACKed
        print('  <recv response="100" optional="true"/>\n  <recv response="180" optional="true"/>')
        take(f'response="{o[0]}"', checks(o[1:]))
        request("ACK", invite_cseq, [], uri=f"sip:{target}@a.example", retrans=False)
    elif word == "ack":
        request("ACK", invite_cseq, [], retrans=False)
    elif word == "send":
        cseq += 1
        if o[0] == "INVITE":
            invite_cseq = cseq
        request(o[0], cseq, o[1:])
    elif word == "recv":
        take(f'request="{o[0]}"', checks(o[1:]), ' rrs="true"' if o[0] == "INVITE" else "")
    elif word == "reply":
        headers, body, kind = split(o[1:])
        tag = "" if tagged else ";tag=[pid]b[call_number]"
        tagged = tagged or int(o[0]) >= 200 and int(o[0]) < 300
        out(f"SIP/2.0 {o[0]} Fine\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n"
            f"Contact: <sip:user@[local_ip]:[local_port]>\n{lines(headers)}", body, kind, retrans=kind == "application/sdp")
    elif word == "pause":
        print(f'  <pause milliseconds="{o[0]}"/>')
    else:
        sys.exit(f"{role} step {step}?")
if names:
    print('  <Reference variables="%s"/>' % ",".join(sorted(set(names))))
print("</scenario>")
