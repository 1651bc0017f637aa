package config

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// nearest names the known word that is most like a mistaken one, as the end of a sentence.
func nearest(word string, known []string) string { return suggestion("", closest(word, known)) }

func suggestion(prefix, word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, word)
}

// closest is the known word that is most like a mistaken one; empty when none is.
func closest(word string, known []string) string {
	best, least := "", len(word)/2+1
	for _, candidate := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// meant ends a sentence with the key that a mistaken one may stand for: one that is like it, or else the same in another place.
func meant(name string, among reflect.Type, at string) string {
	if key := closest(name, keys(among)); key != "" {
		return suggestion(at, key)
	}
	for _, path := range paths(reflect.TypeFor[Config](), "", "0") {
		if strings.HasSuffix(path, "."+name) {
			return suggestion("", path)
		}
	}
	return ""
}

// meantVariable is meant for environment variables; name lacks the prefix.
func meantVariable(name string) string {
	var variables []string
	for _, path := range paths(reflect.TypeFor[Config](), "", cmp.Or(number.FindString(name), "0")) {
		variables = append(variables, strings.TrimPrefix(variable(path), Prefix))
	}
	return suggestion(Prefix, closest(name, variables))
}

var number = regexp.MustCompile(`\d+`)

// variable names the environment variable of a key: MCALEDGER_PARTNERS_0_NAME for partners[0].name.
func variable(path string) string {
	return Prefix + strings.ToUpper(strings.NewReplacer(".", "_", "[", "_", "]", "").Replace(path))
}

// distance is the number of letters to insert, drop or replace to make b out of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// paths lists the whole paths of a struct's keys; one partner, with the given number, stands for all.
func paths(t reflect.Type, at, partner string) []string {
	var all []string
	for i := range t.NumField() {
		f := t.Field(i)
		key := at + f.Tag.Get("yaml")
		switch f.Type.Kind() {
		case reflect.Struct:
			all = append(all, paths(f.Type, key+".", partner)...)
		case reflect.Slice:
			all = append(all, paths(f.Type.Elem(), key+"["+partner+"].", partner)...)
		default:
			all = append(all, key)
			if f.Tag.Get("secret") != "" {
				all = append(all, key+"_file")
			}
		}
	}
	return all
}

// form says what a key takes.
func form(field reflect.Value) string {
	if _, ok := field.Interface().(time.Duration); ok {
		return "a time such as 90s or 6h"
	}
	switch field.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	}
	return "a text"
}

// followed is what an alias stands for; other nodes stand for themselves.
func followed(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }
