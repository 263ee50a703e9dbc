"""The templates that are rendered both by Go with Sprig and by us, see test_golden.py.

To record them again (Go's Sprig v3 in GOPATH, local time in UTC):

    python tests/stacks/gotemplate/functions/cases.py \\
        | TZ=UTC GREETING=hello GO111MODULE=off GOPATH=… go run tests/stacks/gotemplate/oracle/main.go \\
        > tests/stacks/gotemplate/functions/golden.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

DATA: dict[str, Any] = {
    "word": "héllo wörld",
    "text": "the quick brown fox",
    "camel": "HTTPServerName2xx",
    "html": "<a href='x'>&\"</a>",
    "lines": "one\ntwo\n\nthree",
    "url": "https://user:pa%20ss@example.com:8443/a/b%2Fc?x=1&y=2#frag",
    "json": '{"b":[1,2.5,"x",null,true],"a":{"c":"<&>"}}',
    "emoji": "a😀b",
    "empty": "",
    "zero": 0,
    "one": 1,
    "seven": 7,
    "minus": -3,
    "pi": 3.14159,
    "whole": 2.0,
    "half": 0.5,
    "million": 1e6,
    "tiny": 1.5e-7,
    "huge": 1e21,
    "big": 9007199254740993,
    "yes": True,
    "no": False,
    "nil": None,
    "mixed": [1, "two", 3.5, None, True],
    "names": ["b", "a", "c", "a"],
    "numbers": [3, 1, 2],
    "none": [],
    "nested": [[1, 2], [3]],
    "rows": [{"id": 1, "name": "x"}, {"id": 2}],
    "map": {"b": 1, "a": {"x": "y", "z": [1, 2]}, "n": None, "e": ""},
    "other": {"b": 2, "a": {"x": "Y", "w": 1}, "c": [3], "e": "full", "n": 5},
    "void": {},
}

STRINGS = r"""
{{ trim "  \t x y \n " }}|{{ trim "\u00a0x\u3000" }}|{{ trim "\u001cx" }}
{{ trimAll "$" "$5.00$" }}|{{ trimAll "" " x " }}|{{ trimall "ab" "abcba" }}
{{ trimSuffix "-" "hello-" }}|{{ trimSuffix "" "x" }}|{{ trimPrefix "-" "-hello" }}|{{ trimPrefix "ab" "abab" }}
{{ upper .word }}|{{ lower "ÀÉ HELLO" }}|{{ upper "straße" }}|{{ lower "ΑΣ" }}|{{ lower "İ" }}|{{ upper "ŉ" }}
{{ title .text }}|{{ title "o'neil foo-bar foo_bar a.b" }}|{{ title "éa x😀y ßa ǆ" }}|{{ title "hELLO 2nd" }}
{{ untitle "Hello World" }}|{{ untitle "ÀB  Cd" }}
{{ repeat 3 "ab" }}|{{ repeat 0 "x" }}
{{ repeat -1 "ab" }}
{{ "x" | repeat .seven }}
{{ substr 0 5 .text }}|{{ substr -1 3 .text }}|{{ substr 4 -1 .text }}|{{ substr 4 400 .text }}|{{ substr 2 2 "abc" }}
{{ substr 0 2 .word }}|{{ substr 3 5 .word }}|{{ substr 1 5 .emoji }}
{{ substr 3 2 "abcdef" }}
{{ substr 9 -1 "abc" }}
{{ substr -1 9 "abc" }}
{{ substr 0 3 .nil }}
{{ trunc 5 .text }}|{{ trunc -5 .text }}|{{ trunc 0 "abc" }}|{{ trunc -3 "abc" }}|{{ trunc -9 "abc" }}|{{ trunc 9 "abc" }}
{{ trunc 3 .emoji }}|{{ trunc -2 .word }}
{{ trunc "3" "abc" }}
{{ trunc 3 7 }}
{{ abbrev 5 "hello world" }}|{{ abbrev 3 "hello" }}|{{ abbrev 50 "hello" }}|{{ abbrev 4 "hello" }}|{{ abbrev 5 .word }}
{{ abbrevboth 5 10 "1234 5678 9123" }}|{{ abbrevboth 0 7 "abcdefghij" }}|{{ abbrevboth 3 6 "abcdefghij" }}
{{ abbrevboth 6 9 "abcdefghijklmnop" }}|{{ abbrevboth 20 9 "abcdefghijklmnop" }}|{{ abbrevboth 5 4 "abcdefghij" }}
{{ abbrevboth 9 9 "abcdefghijklmnop" }}|{{ abbrevboth 13 9 "abcdefghijklmnop" }}|{{ abbrevboth -1 9 "abcdefghijklmnop" }}
{{ initials "First Try" }}|{{ initials " a  b\tc" }}|{{ initials "élan vital" }}
{{ nospace "hello w o r l d" }}|{{ nospace .word }}|{{ nospace "é" }}
{{ contains "quick" .text }}|{{ contains "" "x" }}|{{ hasPrefix "the" .text }}|{{ hasSuffix "ox" .text }}
{{ quote "a\"b\n" }}|{{ quote 1 nil "x" 2.5 true }}|{{ quote .mixed }}|{{ quote }}|{{ quote .nil }}|{{ quote .word }}
{{ quote "\u2028\u00a0\u200b" }}|{{ squote "it's" 1 .nil }}|{{ squote .map }}
{{ cat "a" 1 nil "b" .yes 2.0 }}|{{ cat }}|{{ cat .nil }}|{{ cat .mixed "x" }}|{{ cat " a " "" "b" }}
{{ indent 4 .lines }}|{{ nindent 2 .lines }}|{{ indent 0 "x" }}|{{ nindent 0 "" }}
{{ indent -1 "x" }}
{{ replace " " "-" .text }}|{{ replace "" "-" "abc" }}|{{ replace "x" "" "axbx" }}|{{ .text | replace "the" "a" }}
{{ plural "one anchovy" "many anchovies" 1 }}|{{ plural "one" "many" 0 }}|{{ plural "one" "many" (len .names) }}
{{ (split "$" "foo$bar$baz")._1 }}|{{ split "," "a,b" }}|{{ split "" "añb" }}|{{ split "," "" }}
{{ splitn "$" 2 "foo$bar$baz" }}|{{ splitn "$" 0 "a$b" }}|{{ splitn "$" -1 "a$b" }}|{{ splitn "" 2 "abc" }}|{{ splitn "" 9 "abc" }}
{{ splitList "." "a.b.c" }}|{{ splitList "" "abc" }}|{{ splitList "x" "" | len }}|{{ splitList "ab" "xabyab" | toJson }}
{{ join "-" .names }}|{{ join "-" .mixed }}|{{ join "," "abc" }}|{{ join "," 5 }}|{{ join "," .nil }}|{{ join "," .none }}
{{ join "," .nested }}|{{ join "," .map }}|{{ .numbers | join "_" }}|{{ join "" (list 1.0 2.5 1e6) }}
{{ wrap 10 .text }}|{{ wrap 3 "supercalifragilistic word" }}|{{ wrap 0 "a b" }}|{{ wrap 5 "" }}|{{ wrap 5 "     x y z    abc" }}
{{ wrapWith 5 "\t" "Hello World" }}|{{ wrapWith 5 "|" "HelloWorldHello x" }}|{{ wrapWith 4 "" "ab cdefghij" }}
{{ wrap 4 .word }}|{{ wrapWith 2 "|" .word }}|{{ wrap -5 "ab cd" }}|{{ wrap 4 "abcd efgh" }}
{{ hello }}|{{ toString 5 }}|{{ toStrings .mixed }}|{{ toStrings 5 }}|{{ toStrings .nil }}
{{ shuffle "aaaa" }}|{{ randAlpha 0 }}|{{ randNumeric 3 | len }}|{{ randAlphaNum 7 | len }}|{{ randAscii 2 | len }}|{{ randInt 4 5 }}
{{ randInt 5 5 }}
{{ uuidv4 | len }}|{{ randBytes 4 | len }}|{{ env "GREETING" }}|{{ env "NO_SUCH" }}|{{ expandenv "say $GREETING ${GREETING}x $NO_SUCH." }}
{{ expandenv "$" }}|{{ expandenv "a$$b $1 ${ x ${}y ${GREETING" }}|{{ expandenv "$GREETING_ ${GREETING}" }}|{{ expandenv "$-x ${*} $é" }}
"""

WORDS = (
    "FirstName HTTPServer NoHTTPS GO_PATH http2xx HTTP20xOK Duration2m3s Bld4Floor3rd foo-bar _complex__case_ "
    "HTTPStatus2 a1b2 A1B2 2xx 1 aB ABc fooBar1 x--y --x x-- ÀbcDÉf 中文Foo foo中文 f.oo.Bar foo!Bar é2É v1Beta1 "
    "some_words no_https aB1C2d HTTP2 HTTP2X a1_2b 12ab34CD x.1y ..a ABC1d2E UPPER lower"
).split()

LISTS = r"""
{{ list 1 "a" 2.5 nil .yes }}|{{ list }}|{{ tuple 1 2 }}|{{ list | toJson }}
{{ first .names }}|{{ last .names }}|{{ rest .names }}|{{ initial .names }}|{{ first .none }}|{{ last .none }}
{{ rest .none | len }}|{{ initial .none | len }}|{{ first (list nil) }}
{{ first "abc" }}
{{ last .map }}
{{ rest 5 }}
{{ initial .nil }}
{{ first .nil }}
{{ append .names "d" }}|{{ push .numbers 4 }}|{{ prepend .names 0 }}|{{ append .none .none }}|{{ mustAppend .numbers nil }}
{{ append "x" 1 }}
{{ prepend .map 1 }}
{{ push .nil 1 }}
{{ concat .names .numbers (list .nil) }}|{{ concat }}|{{ concat .none }}
{{ concat .names "x" }}
{{ reverse .names }}|{{ reverse .none }}|{{ mustReverse .numbers }}
{{ reverse "abc" }}
{{ uniq .names }}|{{ uniq (list 1 1.0 "1" 1 nil nil true) }}|{{ uniq (list (list 1) (list 1)) }}|{{ uniq (list .map .map) }}
{{ uniq "aab" }}
{{ without .names "a" "c" }}|{{ without .numbers 1.0 }}|{{ without .numbers "1" }}|{{ without .names }}|{{ without .mixed nil }}
{{ without 5 1 }}
{{ has 1 .numbers }}|{{ has 1.0 .numbers }}|{{ has "1" .numbers }}|{{ has nil .mixed }}|{{ has "a" .nil }}|{{ has (list 1 2) .nested }}
{{ has "a" (splitList "," "a,b") }}|{{ has (int64 1) .numbers }}|{{ has 1.0 (fromJson "[1]") }}|{{ has 1 (fromJson "[1]") }}
{{ has "a" "abc" }}
{{ has "a" .map }}
{{ compact (list 0 1 "" "x" nil .none false true 0.0 .void) }}|{{ compact .none }}
{{ compact 3 }}
{{ slice .names }}|{{ slice .names 1 }}|{{ slice .names 1 3 }}|{{ slice .names "1" 2.9 }}|{{ slice .none 5 }}|{{ slice .names 0 0 }}
{{ slice .names 3 1 }}
{{ slice .names -1 }}
{{ slice "abc" 1 }}
{{ chunk 2 (list 1 2 3 4 5) }}|{{ chunk 3 .numbers }}|{{ chunk 1 .names }}|{{ chunk 9 .names }}|{{ chunk 2 .none }}
{{ chunk 2 "ab" }}
{{ chunk -1 .names }}
{{ sortAlpha .names }}|{{ sortAlpha .mixed }}|{{ sortAlpha (list "é" "z" "Z" "10" "9") }}|{{ sortAlpha "x" }}|{{ sortAlpha 5 }}
{{ until 5 }}|{{ until 0 }}|{{ until -3 }}|{{ untilStep 3 10 3 }}|{{ untilStep 10 3 -3 }}|{{ untilStep 1 5 0 }}|{{ untilStep 5 1 1 }}
{{ untilStep 1 5 -1 }}|{{ range $i, $e := until 3 }}{{ $i }}{{ $e }},{{ end }}
{{ seq 5 }}|{{ seq -3 }}|{{ seq 0 2 }}|{{ seq 2 -2 }}|{{ seq 0 2 10 }}|{{ seq 0 -2 -5 }}|{{ seq }}|{{ seq 1 }}|{{ seq 0 }}|{{ seq 1 2 3 4 }}
{{ seq 3 1 3 }}|{{ seq 5 1 2 }}|{{ seq 1 -1 5 }}|{{ seq 5 0 1 }}|{{ seq 1 0 5 }}
{{ mustFirst .names }}|{{ mustRest .names }}|{{ mustLast .names }}|{{ mustInitial .names }}|{{ mustUniq .names }}|{{ mustHas "a" .names }}
{{ mustWithout .names "a" }}|{{ mustSlice .names 1 2 }}|{{ mustCompact .mixed }}|{{ mustPush .none 1 }}|{{ mustPrepend .none 1 }}|{{ mustChunk 3 .names }}
"""

DICTS = r"""
{{ dict "a" 1 "b" (list 1 2) }}|{{ dict }}|{{ dict "a" }}|{{ dict 1 2 }}|{{ dict "a" 1 "a" 2 }}|{{ dict "a" 1 "b" }}
{{ get .map "b" }}|{{ get .map "zz" }}|{{ get .map "n" }}|{{ hasKey .map "n" }}|{{ hasKey .map "zz" }}
{{ get .names "x" }}
{{ get .nil "x" }}
{{ $d := dict "a" 1 }}{{ $_ := set $d "b" 2 }}{{ $d }}{{ $_ := unset $d "a" }}{{ $d }}{{ unset $d "nope" }}
{{ set .map "new" .one }}
{{ pluck "name" .map (index .rows 0) (index .rows 1) }}|{{ pluck "id" (index .rows 0) (index .rows 1) }}|{{ pluck "x" }}
{{ keys .map .other | sortAlpha }}|{{ keys .void }}|{{ keys }}|{{ keys (dict "a" 1) }}|{{ values (dict "a" 1) }}|{{ values .void }}
{{ pick .map "b" "e" "zz" }}|{{ pick .map }}|{{ omit .map "a" "n" }}|{{ omit .map }}
{{ merge (dict) .map .other }}
{{ merge .map .other }}
{{ merge .map .other | toJson }}|{{ .other | toJson }}
{{ mergeOverwrite .map .other }}
{{ mergeOverwrite .other .map | toJson }}
{{ mergeOverwrite (dict "a" (dict "x" 1)) (dict "a" "s") }}|{{ mergeOverwrite (dict "a" "s") (dict "a" (dict "x" 1)) }}
{{ mergeOverwrite (dict "a" 1) (dict "a" 0) }}|{{ mergeOverwrite (dict "a" 1) (dict "a" nil) }}|{{ mergeOverwrite (dict "a" "x") (dict "a" "") }}
{{ mergeOverwrite (dict "a" (list 1)) (dict "a" (list)) }}|{{ mergeOverwrite (dict "a" (dict "x" 1)) (dict "a" (dict)) }}
{{ mergeOverwrite (dict "a" (list 1 2)) (dict "a" (list 3)) }}|{{ mergeOverwrite (dict) (dict "a" nil) }}|{{ mergeOverwrite (dict "a" (list 1)) (dict "a" 5) }}
{{ merge (dict "a" 0 "b" "" "c" false "d" nil) (dict "a" 1 "b" "x" "c" true "d" 5) }}|{{ merge (dict) (dict "a" nil) }}
{{ merge (dict "a" (list 1)) (dict "a" (list 2 3)) }}|{{ merge (dict "a" (list)) (dict "a" (list 2)) }}|{{ merge (dict "a" "x") (dict "a" (list 1)) }}
{{ merge (dict "a" (dict "b" (dict "c" 1))) (dict "a" (dict "b" (dict "d" 2) "e" 3)) (dict "z" 1) }}|{{ merge (dict "a" 1) (dict "a" (dict "b" 1)) }}
{{ merge (dict "a" (dict)) (dict "a" (dict "b" 1)) }}|{{ merge (dict "a" nil) (dict "a" (dict "b" 1)) }}|{{ merge (dict "a" (dict "b" 0)) (dict "a" 5) }}
{{ merge (dict "a" 1.5) (dict "a" 2 "b" 0.0) }}|{{ merge .map }}|{{ mustMerge (dict "a" 1) (dict "b" 2) }}|{{ mustMergeOverwrite (dict "a" 1) (dict "a" 2) }}
{{ $m := dict "a" (dict "b" 1) }}{{ $c := deepCopy $m }}{{ $_ := set (get $c "a") "b" 2 }}{{ $m }}{{ $c }}|{{ mustDeepCopy .names }}|{{ deepCopy "x" }}
{{ dig "a" "x" "none" .map }}|{{ dig "a" "q" "none" .map }}|{{ dig "zz" "x" 5 .map }}|{{ dig "b" 0 .map }}|{{ dig "n" "d" .map }}
{{ dig "a" "z" "deep" "d" .map }}
{{ dig "b" "x" "none" .map }}
{{ dig "a" .map }}
{{ dig "a" "b" .names }}
{{ dig "n" "x" "d" .map }}
{{ range $k, $v := .map }}{{ $k }}={{ $v }};{{ end }}
"""

NUMBERS = r"""
{{ add 1 2 3 }}|{{ add }}|{{ add "4" 1.9 true nil }}|{{ add "0x10" "010" "0b11" }}|{{ add "x" "1.5" "2.0" "3.10" }}|{{ add .big 1 }}
{{ add "1_000" 0 }}|{{ add "-5" "+6" }}|{{ add " 5" }}|{{ add .names .map }}|{{ add "9223372036854775807" 1 }}|{{ add "9223372036854775808" }}
{{ add1 5 }}|{{ add1 "6" }}|{{ sub 5 7 }}|{{ sub "9" 2.7 }}|{{ mul 2 3 4 }}|{{ mul 5 }}|{{ mul 4611686018427387904 4 }}
{{ div 7 2 }}|{{ div -7 2 }}|{{ div 7 -2 }}|{{ mod 7 3 }}|{{ mod -7 3 }}|{{ mod 7 -3 }}|{{ div "9" "2" }}
{{ div 1 0 }}
{{ mod 1 0 }}
{{ div 1 "x" }}
{{ max 1 5 3 }}|{{ min 1 -5 3 }}|{{ biggest 2 9 }}|{{ max "7" 3.9 }}|{{ min 5 }}|{{ maxf 1 2.5 "3.5" }}|{{ minf 1 2.5 -1 }}
{{ addf 1.5 2 "0.1" }}|{{ addf 0.1 0.2 }}|{{ subf 10 1.5 2 }}|{{ mulf 1.1 1.1 }}|{{ divf 10 4 }}|{{ divf 1 3 }}|{{ divf -2 3 }}|{{ add1f 1.25 }}
{{ divf 1 3 7 }}|{{ mulf 1e300 1e300 }}|{{ addf }}|{{ subf 1 }}|{{ addf 1e21 1 }}|{{ mulf 0.1 3 }}|{{ divf 1 1e20 }}
{{ divf 1 0 }}
{{ addf (float64 "NaN") 1 }}
{{ ceil 1.2 }}|{{ floor 1.8 }}|{{ ceil -1.2 }}|{{ floor "-1.2" }}|{{ ceil "x" }}|{{ floor 5 }}|{{ ceil 0.0 }}|{{ ceil -0.5 }}|{{ floor 1e300 }}
{{ round 123.5555 3 }}|{{ round 123.555 2 }}|{{ round -2.5 0 }}|{{ round 2.5 0 }}|{{ round 2.4 0 0.3 }}|{{ round "1.005" 2 }}|{{ round 1234 -2 }}|{{ round 0.1 5 }}
{{ int "12" }}|{{ int "12.9" }}|{{ int 12.9 }}|{{ int -12.9 }}|{{ int true }}|{{ int nil }}|{{ int "0x1F" }}|{{ int "08" }}|{{ int "1.00" }}|{{ int .names }}
{{ int64 "99" }}|{{ int64 .huge }}|{{ int (float64 "1e3") }}|{{ int "1e3" }}|{{ float64 "1.5" }}|{{ float64 5 }}|{{ float64 "x" }}|{{ float64 true }}|{{ float64 nil }}
{{ float64 "0x1p-2" }}|{{ float64 "1e400" }}|{{ float64 "inf" }}|{{ float64 "-Infinity" }}|{{ float64 "nan" }}|{{ float64 "1_0" }}|{{ float64 ".5" }}|{{ float64 "5." }}|{{ float64 "." }}
{{ atoi "12" }}|{{ atoi "x" }}|{{ atoi "0x1" }}|{{ atoi "+5" }}|{{ atoi "1_0" }}|{{ atoi "" }}
{{ atoi 5 }}
{{ toDecimal "777" }}|{{ toDecimal 644 }}|{{ toDecimal "9" }}|{{ toDecimal "0755" }}|{{ toDecimal nil }}
{{ add 1 2 | printf "%d" }}|{{ eq (add 1 2) 3 }}|{{ gt (mul 2 3) 5 }}|{{ until (int (add 1 2)) }}
{{ .million }}|{{ .tiny | toString }}|{{ .huge | quote }}|{{ .whole | toString }}|{{ .pi | squote }}|{{ .big | toString }}|{{ .million | int | toString }}
"""

CONVERSIONS = r"""
{{ typeOf 1 }}|{{ typeOf 1.5 }}|{{ typeOf "x" }}|{{ typeOf true }}|{{ typeOf nil }}|{{ typeOf .names }}|{{ typeOf .map }}|{{ typeOf (add 1) }}
{{ kindOf 1 }}|{{ kindOf 1.5 }}|{{ kindOf "x" }}|{{ kindOf true }}|{{ kindOf nil }}|{{ kindOf .names }}|{{ kindOf .map }}|{{ kindOf (add 1) }}
{{ typeIs "string" "x" }}|{{ typeIs "int" 1.0 }}|{{ typeIsLike "int" 1 }}|{{ kindIs "map" .map }}|{{ kindIs "slice" .names }}|{{ kindIs "invalid" nil }}
{{ typeOf (semver "1.2.3") }}|{{ kindOf (semver "1.2.3") }}|{{ typeIsLike "semver.Version" (semver "1.2.3") }}|{{ typeOf (toDate "2006" "2020") }}|{{ kindOf (toDate "2006" "2020") }}
{{ deepEqual .names (list "b" "a" "c" "a") }}|{{ deepEqual 1 1.0 }}|{{ deepEqual .map .map }}|{{ deepEqual nil nil }}|{{ deepEqual (dict "a" 1) (dict "a" 2) }}
{{ toString .map }}|{{ toString .mixed }}|{{ toString nil }}|{{ toString true }}|{{ toString 1e6 }}|{{ toString (list "a b" (dict "k" nil)) }}
{{ default "d" .empty }}|{{ default "d" 0 }}|{{ default "d" 0.0 }}|{{ default "d" false }}|{{ default "d" nil }}|{{ default "d" .none }}|{{ default "d" .void }}|{{ default "d" "x" }}|{{ default "d" }}
{{ .empty | default "d" }}|{{ .nil | default 5 }}|{{ 0.1 | default 1 }}|{{ default .nil .nil }}|{{ default "d" .names }}|{{ default 1 .yes }}|{{ .void.zz | default "missing" }}
{{ empty "" }}|{{ empty 0 }}|{{ empty .none }}|{{ empty .map }}|{{ empty nil }}|{{ empty false }}|{{ empty (toDate "2006" "x") }}
{{ coalesce 0 "" nil "x" 1 }}|{{ coalesce }}|{{ coalesce .none .void }}|{{ all 1 "x" true }}|{{ all 1 0 }}|{{ all }}|{{ any 0 "" 1 }}|{{ any }}|{{ any 0 }}
{{ ternary "y" "n" true }}|{{ ternary "y" "n" .no }}|{{ .yes | ternary 1 2 }}
{{ ternary 1 2 "x" }}
{{ fail "on purpose" }}
{{ fail 5 }}
{{ upper nil }}
{{ upper 5 }}
{{ upper .one }}
{{ upper .nil }}
{{ upper }}
{{ upper "a" "b" }}
{{ indent "x" "y" }}
{{ round 1.5 }}
{{ get .map 1 }}
{{ dict "a" 1 | get "a" }}
"""

ENCODING = r"""
{{ b64enc .word }}|{{ b64dec "aMOpbGxv" }}|{{ b64enc "" }}|{{ b64dec "" }}|{{ b64dec "aGk" }}|{{ b64dec "aG k=" }}|{{ b64dec "aGk=\n" }}|{{ b64dec "/w==" }}
{{ b64dec "a" }}|{{ b64dec "aGk==" }}|{{ b64dec "aG=k" }}|{{ b64dec "aGk=x" }}|{{ b64dec "é" }}|{{ b64dec "aGVsbG8=" | upper }}|{{ b64dec "=" }}|{{ b64dec "aGk=aGk=" }}
{{ b32enc "hello" }}|{{ b32dec "NBSWY3DP" }}|{{ b32dec "nbswy3dp" }}|{{ b32enc "h" }}|{{ b32dec "NA======" }}|{{ b32dec "NA" }}|{{ b32dec "1" }}
{{ sha1sum "x" }}|{{ sha256sum .word }}|{{ adler32sum "hello" }}|{{ sha256sum "" }}
{{ toJson .map }}|{{ toJson .mixed }}|{{ toJson .html }}|{{ toJson "é\u2028\u0001\t\b\f\u007f" }}|{{ toJson nil }}|{{ toJson .none }}|{{ toJson .void }}
{{ toJson 1.0 }}|{{ toJson 1e6 }}|{{ toJson .huge }}|{{ toJson .tiny }}|{{ toJson 1e20 }}|{{ toJson 0.000001 }}|{{ toJson 1.5e-9 }}|{{ toJson 123456789.125 }}|{{ toJson -0.5 }}|{{ toJson .big }}
{{ toJson 5e-324 }}|{{ toJson 1.7976931348623157e308 }}|{{ toJson 0.00001234 }}|{{ toJson 100000000000000000000.0 }}|{{ toJson 1e-7 }}|{{ toJson (float64 "nan") }}
{{ mustToJson (float64 "nan") }}
{{ toRawJson .html }}|{{ mustToRawJson .map }}|{{ toPrettyJson .map }}|{{ toPrettyJson .none }}|{{ toPrettyJson .void }}|{{ mustToPrettyJson .nested }}|{{ mustToJson "x" }}
{{ fromJson .json }}|{{ (fromJson .json).a.c }}|{{ fromJson "5" }}|{{ fromJson "1e400" }}|{{ fromJson "nope" }}|{{ fromJson "" }}|{{ fromJson "\"\\ud800x\"" }}|{{ fromJson " [1] " }}
{{ fromJson "NaN" }}|{{ fromJson "[1,]" }}|{{ fromJson "{\"a\":1,\"a\":2}" }}|{{ fromJson "null" }}|{{ fromJson "9007199254740993" | int64 }}|{{ fromJson "01" }}|{{ fromJson "1 2" }}
{{ mustFromJson "nope" }}
{{ mustFromJson "[1" }}
{{ fromJson .json | toJson }}|{{ toJson (toDate "2006-01-02" "2020-02-03") }}|{{ toJson (semver "v1.2") }}|{{ typeOf (fromJson "1") }}|{{ toJson (list 1 (dict "z" 1 "a" (list)) 2.50) }}
"""

REGEXES = r"""
{{ regexMatch "^[A-Za-z]+$" "abc" }}|{{ regexMatch "[" "x" }}|{{ regexMatch "" "" }}|{{ mustRegexMatch "b" "abc" }}|{{ regexMatch "(?i)ABC" "xabcx" }}
{{ mustRegexMatch "[" "x" }}
{{ regexFind "[a-z]{2,3}" "1abcd" }}|{{ regexFind "z" "abc" }}|{{ mustRegexFind "b+?" "abbb" }}|{{ regexFind "a|ab" "ab" }}|{{ regexFind "(a|ab)(c|bcd)" "abcd" }}
{{ regexFindAll "[2,4,6,8]" "123456789" -1 }}|{{ regexFindAll "a" "aaaa" 2 }}|{{ regexFindAll "a*" "baac" -1 | toJson }}|{{ regexFindAll "x" "abc" -1 | len }}|{{ regexFindAll "a" "aa" 0 | len }}
{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }}|{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "$1W" }}|{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "$1-" }}|{{ regexReplaceAll "a" "banana" "$0$0" }}
{{ regexReplaceAll "(?P<first>\\w+) (?P<second>\\w+)" "hello world" "$second ${first}_" }}|{{ regexReplaceAll "x*" "abc" "-" }}|{{ regexReplaceAll "a*" "baac" "-" }}|{{ regexReplaceAll "$" "ab" "!" }}
{{ regexReplaceAll "(a)" "a" "$$1 $9 ${x $" }}|{{ regexReplaceAll "(a)" "a" "${1}${}$-" }}|{{ regexReplaceAll "\\s+" "a  b\tc" "" }}|{{ regexReplaceAll "[^a-zA-Z0-9-]" "feature/ABC_12" "-" | lower }}
{{ regexReplaceAllLiteral "a(x*)b" "-ab-axxb-" "${1}" }}|{{ mustRegexReplaceAllLiteral "a" "aa" "$0" }}|{{ mustRegexReplaceAll "(b)" "abc" "[$1]" }}
{{ regexSplit "z+" "pizza" -1 }}|{{ regexSplit "z" "pizza" 2 }}|{{ regexSplit "a" "" -1 | toJson }}|{{ regexSplit "" "abc" -1 | toJson }}|{{ regexSplit "," "a,b,c" 0 | len }}|{{ mustRegexSplit "," ",a," -1 | toJson }}
{{ regexSplit "x*" "axbxc" -1 | toJson }}|{{ regexSplit "" "" -1 | toJson }}|{{ regexSplit "b" "abc" 1 | toJson }}
{{ regexQuoteMeta "1.2.3+[a]{b}|c^d$\\-_" }}
{{ regexFind "\\d+\\.\\d+" "v1.25" }}|{{ regexFind "\\pL+" "12é中x" }}|{{ regexFind "\\p{Lu}" "aÉ" }}|{{ regexFind "\\P{L}+" "ab12" }}|{{ regexFind "[\\pN.]+" "a1.2" }}|{{ regexFind "[[:upper:]]+" "abCD" }}|{{ regexFind "[[:^alpha:]]+" "ab12" }}
{{ regexFind "\\bfoo\\b" "a foo b" }}|{{ regexFind "\\Boo" "foo" }}|{{ regexFind "(?m)^b$" "a\nb\nc" }}|{{ regexFind "^b" "a\nb" | quote }}|{{ regexFind "(?s)a.b" "a\nb" | quote }}|{{ regexFind "a.b" "a\nb" | quote }}|{{ regexFind "a\\z" "ba" }}
{{ regexFind "(?U)a+" "aaa" }}|{{ regexFind "(?U)a+?" "aaa" }}|{{ regexFind "a{2}" "aaa" }}|{{ regexFind "a{2,}" "aaaa" }}|{{ regexFind "a{1,2}?" "aaa" }}|{{ regexFind "a{,2}" "a{,2}" }}|{{ regexFind "x{0}y" "xy" }}|{{ regexFind "{" "a{" }}
{{ regexFind "\\Qa.b\\E+" "a.bbb" }}|{{ regexFind "\\Q.\\" ".\\" }}|{{ regexFind "\\x41\\x{42}\\103" "ABC" }}|{{ regexFind "[\\]\\-a]+" "x]-a" }}|{{ regexFind "[]a]+" "]a" }}|{{ regexFind "[a\\-c]+" "b-a" }}|{{ regexFind "[^\\n]+" "a\nb" }}
{{ regexFind "(?i)[^a]+" "aAb" }}|{{ regexFind "(?i)É" "é" }}|{{ regexFind "(?i:a)b" "Ab" }}|{{ regexFind "(?i)a(?-i)b" "Ab" }}|{{ regexFind "(?i)a(?-i)b" "AB" }}|{{ regexFind "(?i)k" "K" }}|{{ regexFind "(?i)\\w+" "ſ" }}|{{ regexFind "[a-]+" "-a" }}
{{ regexFind "(a*)*" "aab" }}|{{ regexFind "(a*)+b" "aab" }}|{{ regexFind "(|a)*" "aa" | quote }}|{{ regexFind "(|a)+" "aa" | quote }}|{{ regexFind "(a|)*b" "aab" }}|{{ regexReplaceAll "(a|b)*" "abab" "[$1]" }}|{{ regexReplaceAll "(a)|b" "ab" "<$1>" }}
{{ regexReplaceAll "(?:(a)|b)*" "ab" "[$1]" }}|{{ regexReplaceAll "(a+)(b+)?" "aab" "$2$1" }}|{{ regexReplaceAll "é" "été" "e" }}|{{ regexFindAll "." "é😀" -1 }}|{{ regexReplaceAll "(a*?)(a*)" "aa" "$1|$2" }}|{{ regexFind "a??b" "ab" }}
{{ regexReplaceAll "(?P<n>a)(?<m>b)" "ab" "$m$n" }}|{{ regexReplaceAll "(.)(.)" "abcd" "$2$1" }}|{{ regexReplaceAll "^" "ab" "-" }}|{{ regexReplaceAll "(?m)$" "a\nb" ";" }}|{{ regexReplaceAll "" "ab" "-" }}|{{ regexReplaceAll "b*" "abbc" "x" }}
{{ regexMatch "^(a+)+$" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" }}|{{ regexMatch "(x+x+)+y" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" }}
"""

BAD_REGEXES = [
    "[", "(", ")", "a**", "*", "a{1001}", "(?=x)", "(?!x)", "(?<=x)y", "\\\\1", "(?P<n", "(?P<n>a)(?P<n>b)", "\\\\Z", "[z-a]",
    "[[:nope:]]", "(?z)a", "a{2}{3}", "\\\\", "\\\\pX", "\\\\p{Nope}", "x(?i", "a|*", "(*)", "+a", "a{2,1}", "\\\\C", "\\\\8", "[a-\\\\d]",
    "((a{100}){100}){100}", "\\\\xg", "(?P=n)", "(?>a)", "(?#c)", "a++", "a?*", "(?P<1-2>a)", "[\\\\b]", "(?)a", "(?:)",
]  # fmt: skip

DATES = r"""
{{ date "2006-01-02" 0 }}|{{ date "2006-01-02T15:04:05Z07:00" 1700000000 }}|{{ dateInZone "2006-01-02 15:04 MST -0700" 1700000000 "America/New_York" }}|{{ date_in_zone "15:04" 0 "Nowhere/Else" }}
{{ dateInZone "Monday, January _2 2006 3:04:05PM" 1709164800 "UTC" }}|{{ dateInZone "Mon Jan 2 03:04:05 pm 06" 1704067200 "UTC" }}|{{ dateInZone "__2 002 _2006 Jan. Monthly Janus" 1704067200 "UTC" }}
{{ dateInZone "Z07 Z0700 Z07:00 Z070000 Z07:00:00 -07 -0700 -07:00 -070000 -07:00:00" 1700000000 "Asia/Kolkata" }}|{{ dateInZone "Z07 Z0700 Z07:00 -07" 0 "UTC" }}|{{ dateInZone "MST -07" 1700000000 "America/Sao_Paulo" }}
{{ dateInZone "05.000 05.999 05,00 .0001 5.0" 1700000001 "UTC" }}|{{ htmlDate 1700000000 }}|{{ htmlDateInZone 1700000000 "Asia/Tokyo" }}|{{ date "2006" (int64 0) }}|{{ dateInZone "1/2/06 4 5" 1700000000 "" }}
{{ toDate "2006-01-02" "2017-12-31" | date "02/01/2006" }}|{{ toDate "2006-01-02" "nope" }}|{{ toDate "2006-01-02" "2017-12-31" }}|{{ toDate "2006-01-02T15:04:05Z07:00" "2017-12-31T10:20:30+02:00" }}
{{ toDate "2006-01-02T15:04:05Z" "2017-12-31T10:20:30.123456789Z" }}|{{ toDate "15:04" "10:30" }}|{{ toDate "Jan _2 2006 3:04PM MST" "Feb  3 2020 4:05PM CET" }}|{{ toDate "02 Jan 06 -0700" "03 Feb 70 -0330" }}
{{ mustToDate "2006-01-02" "2017-13-31" }}
{{ mustToDate "2006-01-02" "2017-02-30" }}
{{ mustToDate "2006-01-02" "2017-02-03x" }}
{{ mustToDate "2006-01-02 15:04" "2017-02-03 25:00" }}
{{ mustToDate "2006" "17" }}
{{ mustToDate "2006-002" "2020-366" }}|{{ mustToDate "2006 002" "2019 060" }}|{{ mustToDate "Monday 2006-1-2" "tuesday 2020-3-4" }}|{{ mustToDate "05.000" "07.125" }}|{{ mustToDate "5" "7.5" }}|{{ mustToDate "2006-01-02 15:04:05 -0700 MST" "2009-11-10 23:00:00 +0000 UTC" }}
{{ mustToDate "2006-002" "2019-366" }}
{{ mustToDate "3:04PM" "12:30AM" }}|{{ mustToDate "3:04pm" "12:30pm" }}|{{ mustToDate "2006  01" "2020 02" }}|{{ mustToDate "2006-01-02 MST" "2020-01-02 GMT+3" }}|{{ mustToDate "January 2" "december 31" }}
{{ mustToDate "3PM" "13PM" }}
{{ dateModify "-1.5h" (toDate "2006-01-02" "2020-03-01") }}|{{ toDate "2006-01-02" "2020-03-01" | date_modify "24h" }}|{{ dateModify "x" (toDate "2006" "2020") }}|{{ mustDateModify "1h1m1s1ms" (toDate "2006" "2020") }}
{{ mustDateModify "1x" (toDate "2006" "2020") }}
{{ must_date_modify "" (toDate "2006" "2020") }}
{{ dateModify "1h" "2020" }}
{{ unixEpoch (toDate "2006-01-02" "2020-03-01") }}|{{ (toDate "2006-01-02" "2020-03-01").Unix }}|{{ (toDate "2006-01-02" "2020-03-01").Year }}|{{ (toDate "2006-01-02" "2020-03-01").Month }}|{{ (toDate "2006-01-02" "2020-03-01").Weekday }}
{{ (toDate "2006-01-02" "2020-03-01").Format "Jan 2" }}|{{ ((toDate "2006-01-02" "2020-01-31").AddDate 0 1 0).Format "2006-01-02" }}|{{ (toDate "2006-01-02" "2020-03-01").YearDay }}|{{ (toDate "2006" "x").IsZero }}|{{ (toDate "2006" "x").Unix }}
{{ ((toDate "2006-01-02" "2020-03-02").Sub (toDate "2006-01-02" "2020-03-01")) }}|{{ ((toDate "2006-01-02" "2020-03-02").Sub (toDate "2006-01-02" "2020-03-01")).Hours }}|{{ (toDate "2006" "2020").Before (toDate "2006" "2021") }}|{{ (toDate "2006" "2020").String }}
{{ unixEpoch 5 }}
{{ duration 60 }}|{{ duration "3661" }}|{{ duration (int64 95) }}|{{ duration "x" }}|{{ duration "-5" }}|{{ duration 1.5 }}|{{ duration "90000" }}|{{ duration "" }}
{{ durationRound "2h10m5s" }}|{{ durationRound "2400h" }}|{{ durationRound (int64 2000000000) }}|{{ durationRound "1ms" }}|{{ durationRound "-2h" }}|{{ durationRound 5 }}|{{ durationRound "9000h" }}|{{ durationRound "x" }}|{{ durationRound "1h" }}|{{ durationRound "90s" }}
{{ ago "x" }}|{{ quote (toDate "2006" "2020") }}|{{ list (toDate "2006" "2020") }}|{{ toString (toDate "2006" "2020") }}
"""

PATHS = r"""
{{ base "foo/bar/baz.txt" }}|{{ base "" }}|{{ base "/" }}|{{ base "a/" }}|{{ dir "foo/bar/baz" }}|{{ dir "x" }}|{{ dir "/x" }}|{{ dir "" }}|{{ dir "a/b/" }}|{{ dir "//a" }}
{{ clean "foo/../bar/./x//y/" }}|{{ clean "" }}|{{ clean "//a" }}|{{ clean "/../a" }}|{{ clean "../a/.." }}|{{ ext "a/b.tar.gz" }}|{{ ext "a.d/b" }}|{{ ext "b." }}|{{ ext "" }}|{{ isAbs "/a" }}|{{ isAbs "a" }}
{{ osBase "/foo/bar.txt" }}|{{ osDir "/foo/bar" }}|{{ osClean "a//b" }}|{{ osExt "x.y" }}|{{ osIsAbs "/" }}
{{ urlParse .url }}|{{ urlParse "mailto:x@y" }}|{{ urlParse "/a/b?c" }}|{{ urlParse "//host/p" }}|{{ urlParse "" }}|{{ urlParse "http://[::1]:80/x" }}|{{ urlParse "s3::https://x/y" }}
{{ urlParse "a:b@c" }}|{{ urlParse "HTTP://Ex.com" }}|{{ urlParse "http://a?" }}|{{ urlParse "file:///etc/x" }}|{{ urlParse "http://u@h/%C3%A9" }}|{{ urlParse "x:/y" }}|{{ urlParse "git@github.com/a" }}|{{ urlParse "http://a:/" }}
{{ urlParse "1a:b" }}
{{ urlParse ":x" }}
{{ urlParse "http://h:x/" }}
{{ urlParse "http://[::1/" }}
{{ urlParse "http://a b/" }}
{{ urlParse "%zz" }}
{{ urlParse "http://h/\n" }}
{{ urlParse "http://u{@h/" }}
{{ urlParse "http://h%41/" }}
{{ urlJoin (urlParse .url) }}|{{ urlJoin (dict "scheme" "http" "host" "h:80" "path" "/a b" "query" "q=1" "fragment" "é" "userinfo" "u:p@") }}|{{ urlJoin (dict) }}|{{ urlJoin (dict "host" "h" "path" "p") }}
{{ urlJoin (dict "path" "a:b") }}|{{ urlJoin (dict "scheme" "mailto" "opaque" "x@y") }}|{{ urlJoin (dict "scheme" "s" "path" "p") }}|{{ urlJoin (dict "path" "*") }}|{{ urlJoin (dict "scheme" "file" "path" "/x?y#z") }}|{{ urlJoin (dict "host" "ü[") }}
{{ urlJoin (dict "scheme" 5) }}
{{ urlJoin (dict "userinfo" "a{") }}
"""

VERSIONS = ["1.2.3", "v1.2", "1", "1.2.3-beta.1+build.5", "1.2.3-alpha", "10.20.30", "0.0.0", "2.0.0-rc.1"]
BAD_VERSIONS = ["", "x", "1.2.3.4", "01.2.3", "1.2.3-01", "1.-1", "1.2.3-", " 1.2.3", "18446744073709551616.0.0", "V1.2.3"]
CONSTRAINTS = [
    "1.2.3", "=1.2.3", "!=1.2.3", ">1.2.3", "<1.2.3", ">=1.2.3", "<=1.2.3", "=>1.2.3", "=<1.2.3", "~1.2.3", "~>1.2", "^1.2.3", "^0.2.3", "^0.0.3",
    "^0.0", "^0", "^1", "~1", "~0.0.0", "*", "x", "", "1.x", "1.2.x", ">1", ">1.2", "<2", "<=1", "<=1.2", "!=1", "!=1.2", "!=1.2.x", "!=x", ">= 1.2, < 3",
    ">=1.2 <3", "1.2 - 1.4.5", "^1 || ^2", "~1.2.3-beta.1", ">=1.2.3-alpha", "v1.2.3", ">1.2.3-alpha, <2", "~2.0", "<1.2.3-beta.2", "^2.0.0-rc", ">=0-0",
    "<=1.2-x", "nope", ">= 1.2 bad", "^^1", "1.2.3.4", "~*", "^x", ">x", "<x", ">=x", "1.2 || ", "==1", "1,2",
]  # fmt: skip
CHECKED = ["1.2.3", "1.2.4", "1.3.0", "2.0.0", "0.0.3", "0.0.0", "0.2.5", "1.2.3-beta.1", "2.0.0-rc.1", "1.2.2"]

MORE_VERSIONS = r"""
{{ (semver "1.2.3-beta+b").Prerelease }}|{{ (semver "1.2.3-beta+b").Metadata }}|{{ (semver "v1.2.3").Major }}|{{ (semver "v1.2.3").Minor }}|{{ (semver "v1.2.3").Patch }}|{{ (semver "v1.2").Original }}
{{ (semver "1.2.3").Compare (semver "1.2.4") }}|{{ (semver "1.2.3-a").Compare (semver "1.2.3") }}|{{ (semver "1.2.3-2").Compare (semver "1.2.3-10") }}|{{ (semver "1.2.3-a.b").Compare (semver "1.2.3-a") }}|{{ (semver "1.2.3+x").Equal (semver "1.2.3") }}
{{ (semver "1.2.3-a").IncPatch }}|{{ (semver "v1.2.3").IncMinor }}|{{ (semver "1.2.3").IncMajor }}|{{ (semver "1.2.3").LessThan (semver "2") }}|{{ (semver "1.2.3-1").LessThan (semver "1.2.3-a") }}
{{ semverCompare "^1.2.0" (semver "1.2.3").String }}|{{ semver "1.2.3" | toString }}|{{ list (semver "v1") }}
"""

REFUSED = ("genPrivateKey", "genCA", "htpasswd", "bcrypt", "derivePassword", "encryptAES", "getHostByName")


def cases() -> list[dict[str, str]]:
    """Every template; those of the constraints in a block for each."""
    blocks = (STRINGS, LISTS, DICTS, NUMBERS, CONVERSIONS, ENCODING, REGEXES, DATES, PATHS, MORE_VERSIONS)
    found = [pieces for block in blocks for line in block.strip().splitlines() for pieces in _pieces(line)]
    for word in WORDS:
        names = ("snakecase", "camelcase", "kebabcase", "swapcase", "initials", "untitle", "title")
        found.append("|".join(f'{{{{ {name} "{word}" }}}}' for name in names))
    found += [f'{{{{ {name} "some Words here_and-there" }}}}' for name in ("snakecase", "camelcase", "kebabcase", "swapcase")]
    found += [f'{{{{ {name} "" }}}}' for name in ("snakecase", "camelcase", "kebabcase", "swapcase", "initials", "untitle")]
    found += [f'{{{{ {name} "{bad}" "x" }}}}' for bad in BAD_REGEXES for name in ("regexFind", "mustRegexFind")]
    found += [f'{{{{ semver "{version}" }}}}' for version in (*VERSIONS, *BAD_VERSIONS)]
    for constraint in CONSTRAINTS:
        found += [f'{{{{ semverCompare "{constraint}" "{version}" }}}}' for version in CHECKED]
    return [{"template": template} for template in found]


def _pieces(line: str) -> list[str]:
    """The templates of a line; one that sets a variable is kept whole."""
    return [line] if ":=" in line else _split(line)


def _split(line: str) -> list[str]:
    first, *others = line.split("}}|{{")
    pieces = [first, *("{{" + other for other in others)]
    return [piece + "}}" for piece in pieces[:-1]] + pieces[-1:]


if __name__ == "__main__":
    json.dump({"sprig": True, "data": DATA, "cases": cases()}, sys.stdout, ensure_ascii=False)
