"""Gomplate's functions, as its documentation and its source have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from secrets_pipeline.stacks.gotemplate import TemplateError
from secrets_pipeline.stacks.gotemplate.functions import Environment, gomplate, sprig

Rendering = Callable[..., str]

DATA = {
    "map": {"b": [1, {"c": "yes"}], "a": 1.0, "e": "", "n": None},
    "numbers": [3, 1, 2],
    "nested": [[1], [2, [3]]],
    "rows": [{"id": 2}, {"id": 1}],
    "empty": "",
    "nil": None,
}

PRINTED = [
    ('{{ strings.Title "hELLO wORLD don\'t foo-bar a_b" }}', "Hello World Don't Foo-Bar A_b"),
    ('{{ strings.ToUpper "straße" }} {{ strings.ToLower "ABC" }}', "STRASSE abc"),
    ('{{ strings.Indent 2 "a\\n\\nb\\n" }}', "  a\n\n  b\n"),
    ('{{ strings.Indent "--" "a\\nb" }}|{{ strings.Indent 2 "-" "x" }}', "--a\n--b|--x"),
    ('{{ strings.SnakeCase "Foo BarBaz!" }} {{ strings.KebabCase "foo bar" }}', "Foo_barbaz foo-bar"),
    ('{{ strings.CamelCase "foo bar-baz" }}', "fooBarBaz"),
    ('{{ strings.Abbrev 5 "abcdefgh" }} {{ strings.Trunc 2 "abc" }}', "ab... ab"),
    ('{{ "a-b-c" | strings.SplitN "-" 2 }} {{ "a,b" | strings.Split "," }}', "[a b-c] [a b]"),
    ('{{ "xax" | strings.Trim "x" }}{{ strings.TrimPrefix "a" "ab" }}{{ strings.TrimSuffix "b" "ab" }}', "aba"),
    ('{{ 123 | strings.Contains "2" }} {{ strings.HasPrefix "1" 12 }} {{ strings.HasSuffix "x" 12 }}', "true true false"),
    ('{{ strings.Repeat 2 "ab" }} {{ strings.ReplaceAll "a" "b" "aa" }} {{ strings.TrimSpace " x " }}', "abab bb x"),
    ('{{ strings.Quote "a\\"b" }} {{ strings.Squote "it\'s" }} {{ strings.ShellQuote "a\'b" }}', '"a\\"b" \'it\'\'s\' \'a\'"\'"\'b\''),
    ('{{ strings.RuneCount "é" "b" }} {{ strings.WordWrap 5 "aa bb cc" }}', "2 aa bb\ncc"),
    ("{{ conv.ToString 1e21 }} {{ conv.ToString .nil }} {{ conv.ToString 1.5 }}", "1000000000000000000000 nil 1.5"),
    ('{{ conv.ToInt "0x10" }} {{ conv.ToInt "1,000" }} {{ conv.ToInt "x" }} {{ conv.ToFloat64 "1.5" }}', "16 1000 0 1.5"),
    ('{{ conv.ToBool "Yes" }} {{ conv.ToBool 1 }} {{ conv.ToBool "on" }} {{ bool "T" }} {{ bool "yes" }}', "true true false true false"),
    ('{{ conv.Join .numbers "-" }} {{ join .numbers "," }}', "3-1-2 3,1,2"),
    ('{{ conv.Default "d" .empty }} {{ .numbers | default "d" }}', "d [3 1 2]"),
    ('{{ conv.ParseInt "ff" 16 64 }} {{ conv.Atoi "12" }} {{ conv.ToStrings 1 true }} {{ conv.ToInts "1" 2.9 }}', "255 12 [1 true] [1 2]"),
    ('{{ (conv.URL "https://u@h:1/p?q#f").Host }} {{ (urlParse "https://h/p").Path }}', "h:1 /p"),
    ('{{ has .map "b" }} {{ has .numbers 3 }} {{ has .numbers 3.0 }} {{ coll.Has .map "zz" }}', "true true false false"),
    ('{{ coll.Dict "a" 1 "b" }} {{ dict 1 2 }} {{ coll.Slice 1 2 }} {{ slice 1 2 }}', "map[a:1 b:] map[1:2] [1 2] [1 2]"),
    ('{{ .map | coll.Index "b" 1 "c" }} {{ keys .map }} {{ coll.Values (dict "b" 2 "a" 1) }}', "yes [a b e n] [1 2]"),
    ('{{ .numbers | append 4 }} {{ .numbers | coll.Prepend 0 }} {{ coll.Uniq (slice 1 1 2) }}', "[3 1 2 4] [0 3 1 2] [1 2]"),
    ("{{ coll.Sort .numbers }} {{ coll.Reverse .numbers }} {{ sort (slice 1 `a`) }}", "[1 2 3] [2 1 3] [1 a]"),
    ('{{ coll.Sort "id" .rows }} {{ .numbers }}', "[map[id:1] map[id:2]] [3 1 2]"),
    ("{{ coll.Flatten .nested }} {{ coll.Flatten 1 .nested }}", "[1 2 3] [1 2 [3]]"),
    ('{{ coll.Merge (dict "a" 1 "m" (dict "x" 1)) (dict "a" 2 "m" (dict "y" 2)) }}', "map[a:1 m:map[x:1 y:2]]"),
    ('{{ coll.Pick "a" "zz" .map }} {{ coll.Omit "b" "n" .map }}', "map[a:1] map[a:1 e:]"),
    ("{{ data.ToYAML .map }}", 'a: 1\nb:\n  - 1\n  - c: "yes"\ne: ""\n"n": null\n'),
    ("{{ data.ToJSON .map }}", '{"a":1.0,"b":[1,{"c":"yes"}],"e":"","n":null}'),
    ('{{ toJSON "<a>" }} {{ toJSONPretty " " .numbers }}', '"\\u003ca\\u003e" [\n 3,\n 1,\n 2\n]'),
    ('{{ (json "{\\"a\\": 1}").a }} {{ jsonArray "[1, 2.5]" }} {{ (yaml "a: yes").a }} {{ yamlArray "- 0o17" }}', "1 [1 2.5] yes [15]"),
    ('{{ (data.TOML "a = [1]").a }} {{ data.YAML "" }}', "[1] map[]"),
    ("{{ math.Add 1 2.5 }} {{ add 1 2 `3` }} {{ math.Mul 2 3 }} {{ math.Sub 1 3 }} {{ math.Div 7 2 }}", "3.5 6 6 -2 3.5"),
    ("{{ math.Rem -7 3 }} {{ math.Pow 2 10 }} {{ math.Abs -3 }} {{ math.Round -2.5 }} {{ math.Ceil 1.2 }}", "-1 1024 3 -3 2"),
    ("{{ math.Max 1 2.5 }} {{ math.Min 3 1 2 }} {{ math.Floor -1.5 }} {{ math.IsInt `0x1` }} {{ math.IsFloat `1.5` }}", "2.5 1 -2 true true"),
    ("{{ math.Seq 3 }} {{ math.Seq 5 1 }} {{ math.Seq 0 10 4 }} {{ math.Seq 1 3 -1 }} {{ math.IsNum `x` }}", "[1 2 3] [5 4 3 2 1] [0 4 8] [1 2 3] false"),
    ('{{ regexp.Replace "(a)(b)" "$2$1" "xabx" }} {{ "abac" | regexp.FindAll "a." 1 }} {{ regexp.Find "b" "abc" }}', "xbax [ab] b"),
    ('{{ regexp.Split "," "a,b" }} {{ "ab" | regexp.Match "^a" }} {{ regexp.QuoteMeta "a.b" }} {{ regexp.ReplaceLiteral "a" "$0" "ba" }}', "[a b] true a\\.b b$0"),
    ('{{ base64.Encode "hi" }} {{ base64.Decode "aGk=" }} {{ base64.Decode "_-8=" | len }}', "aGk= hi 4"),
    ('{{ path.Match "*.go" "a.go" }} {{ path.Match "a/*" "a/b/c" }} {{ path.Match "[^a]?" "bc" }} {{ path.Match "a\\\\*" "a*" }}', "true false true true"),
    ('{{ path.Join "a" "../b" }} {{ path.Split "a/b" }} {{ path.Ext "x.tf" }} {{ filepath.Rel "/a/b" "/a/c" }} {{ path.Base "a/b" }}', "b [a/ b] .tf ../c b"),
    ('{{ env.Getenv "GREETING" }} {{ getenv "NOPE" "d" }} {{ getenv "NOPE" }}{{ env.ExpandEnv "${GREETING}!" }}', "hello d hello!"),
    ("{{ time.Now }} {{ (time.Now).Format time.RFC3339 }}", "2024-02-29 23:30:15.25 +0000 UTC 2024-02-29T23:30:15Z"),
    ('{{ (time.Parse time.RFC1123Z "Mon, 02 Jan 2006 15:04:05 -0700").Unix }}', "1136239445"),
    ('{{ time.Hour 2 }} {{ (time.ParseDuration "90m").Hours }} {{ time.Unix "1.5" }} {{ time.Now.Add (time.Hour 1) }}', "2h0m0s 1.5 1970-01-01 00:00:01.5 +0000 UTC 2024-03-01 00:30:15.25 +0000 UTC"),
    ('{{ (time.ParseInLocation "2006-01-02" "Asia/Tokyo" "2024-01-01").Unix }} {{ time.ZoneName }} {{ time.ZoneOffset }}', "1704034800 UTC 0"),
    ('{{ test.Required "m" .numbers }} {{ test.Kind .map }} {{ isKind "number" 1.5 }} {{ test.Ternary 1 2 "yes" }}', "[3 1 2] map true 1"),
    ('{{ assert true }}{{ test.Assert "m" 1 }}{{ crypto.SHA1 "x" }}', "11f6ad8ec52a2984abaafd7c3b516503785c2072"),
    ('{{ crypto.SHA256 "x" | len }} {{ uuid.Nil }} {{ uuid.V4 | uuid.IsValid }} {{ uuid.IsValid "x" }}', "64 00000000-0000-0000-0000-000000000000 true false"),
    ("{{ random.AlphaNum 5 | len }} {{ random.Number 5 5 }} {{ random.Item (slice 1) }} {{ random.ASCII 3 | len }}", "5 5 1 3"),
    ('{{ split "a-b" "-" }} {{ splitN "a-b-c" "-" 2 }} {{ trim "-x-" "-" }} {{ contains "abc" "b" }} {{ hasPrefix "abc" "a" }}', "[a b] [a b-c] x true true"),
    ('{{ title "x y" }} {{ toUpper "a" }} {{ replaceAll "a" "b" "a" }} {{ quote 5 }} {{ indent "x" }}', 'X Y A b "5"  x'),
]  # fmt: skip

FAILED = [
    ("{{ datasource `x` }}", "reading data sources is not supported"),
    ("{{ ds `x` }}", "reading data sources is not supported"),
    ("{{ include `x` }}", "reading data sources is not supported"),
    ("{{ file.Read `x` }}", "file.Read is not supported: reading files is not supported; use `!include`"),
    ("{{ aws.Account }}", "use `!aws.account_id`"),
    ("{{ net.LookupIP `x` }}", "templates have no network"),
    ("{{ sockaddr.GetPrivateIP }}", "templates have no network"),
    ("{{ crypto.Bcrypt `x` }}", "a plain secret has no place in a stack"),
    ("{{ data.CSV `a` }}", "use JSON or YAML"),
    ("{{ jsonpath `x` .map }}", "write the path as a field chain"),
    ("{{ getenv `TOKEN` }}", "reading files is not supported; set TOKEN"),
    ("{{ json `[` }}", "unable to unmarshal"),
    ("{{ json `[]` }}", "the text is not a map"),
    ("{{ yamlArray `a: 1` }}", "the text is not a list"),
    ("{{ toml `=` }}", "unable to unmarshal"),
    ("{{ fail `x` }}", "template generation failed: x"),
    ("{{ assert `bad` false }}", "assertion failed: bad"),
    ("{{ required .empty }}", "a required value was not set"),
    ("{{ required `set it` .nil }}", "set it"),
    ("{{ math.Div 1 0 }}", "division by 0"),
    ("{{ math.Seq 1 1000000000 }}", "is not supported"),
    ("{{ coll.Index `zz` .map }}", "map has no key zz"),
    ("{{ coll.Index 9 .numbers }}", "index out of range: 9"),
    ("{{ coll.Keys }}", "need at least one argument"),
    ("{{ append 1 2 }}", "expected an array or slice, but got a int"),
    ("{{ join 5 `,` }}", "input to Join must be an array"),
    ("{{ regexp.Find `[` `x` }}", "missing closing ]"),
    ("{{ base64.Decode `*` }}", "illegal base64 data at input byte 0"),
    ("{{ time.ParseInLocation `2006` `Nowhere` `2024` }}", "unknown time zone Nowhere"),
    ("{{ time.Parse `2006` `x` }}", "cannot parse"),
    ("{{ time.Unix 1.5 }}", "use a string instead"),
    ("{{ path.Match `[` `x` }}", "syntax error in pattern"),
    ("{{ strings.Repeat -1 `x` }}", "negative count -1"),
    ("{{ uuid.Parse `x` }}", "invalid UUID"),
    ("{{ random.Number 2 1 }}", "min must not be greater than max"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "printed"), PRINTED)
def test_it_prints_what_gomplate_prints(template: str, printed: str, with_gomplate: Rendering) -> None:
    assert with_gomplate(template, DATA) == printed


@pytest.mark.parametrize(("template", "words"), FAILED)
def test_what_cannot_be_done_is_said(template: str, words: str, with_gomplate: Rendering) -> None:
    with pytest.raises(TemplateError) as failure:
        with_gomplate(template, DATA)
    assert words in str(failure.value)


def test_sprig_laid_over_gomplate_keeps_the_namespaces(environment: Environment) -> None:
    both = {**gomplate(environment), **sprig(environment)}
    assert {"strings", "coll", "conv", "data", "math", "regexp", "time", "getenv", "toYAML"} <= set(both)
    assert both["has"] is sprig(environment)["has"]
