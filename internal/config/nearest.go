package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// nearest names the known word that is most like a mistaken one, as the end of a sentence.
func nearest(word string, known []string) string {
	best, least := "", len(word)/2+1
	for _, candidate := range known {
		if d := distance(word, candidate); d < least {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
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

// variables lists the environment variables of a struct's keys. The first partner stands for all.
func variables(t reflect.Type, prefix string) []string {
	var names []string
	for _, key := range keys(t) {
		names = append(names, prefix+strings.ToUpper(key))
	}
	for i := range t.NumField() {
		f := t.Field(i)
		below := prefix + strings.ToUpper(f.Tag.Get("yaml")) + "_"
		switch f.Type.Kind() {
		case reflect.Struct:
			names = append(names, variables(f.Type, below)...)
		case reflect.Slice:
			names = append(names, variables(f.Type.Elem(), below+"0_")...)
		}
	}
	return names
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

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }
