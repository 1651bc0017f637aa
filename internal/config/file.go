package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// entry is what the file or the environment gives for a key or a section.
type entry struct {
	path  string
	text  string
	form  form
	place string // a line of the file, or the name of a variable
}

// form is the kind of a value in YAML.
type form int

const (
	scalar  form = iota
	words        // a list of scalars; the text holds them with commas between them
	list         // any other list
	mapping      // keys and values
	nothing      // null, or a list without items
)

// file is the content of a configuration file.
type file struct {
	path     string
	entries  []entry // in the order of the file; a section comes before its keys
	partners int
	mistakes []error
}

// readFile reads a file without regard to which keys exist.
func readFile(path string) (*file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	tree, err := parser.ParseBytes(bytes.TrimPrefix(text, []byte("\ufeff")), 0)
	if err != nil {
		return nil, syntaxError(path, err)
	}
	f := &file{path: path}
	for _, document := range tree.Docs {
		switch {
		case document.Body == nil || document.Body.Type() == ast.DirectiveType: // comments, or %YAML
		case len(f.entries) > 0:
			return nil, fmt.Errorf("%s holds more than one document; remove the line --- and what follows, or join "+
				"them", path)
		default:
			f.add(document.Body, "", document.Body.GetToken())
		}
	}
	return f, errors.Join(f.mistakes...)
}

// add appends the entry of a node, and those of the nodes below it. at is the token that is named
// as its place.
func (f *file) add(node ast.Node, path string, at *token.Token) {
	e := entry{path: path, place: fmt.Sprintf("%s line %d", f.path, at.Position.Line)}
	e.text, e.form = valueOf(node)
	f.entries = append(f.entries, e)
	switch node := node.(type) {
	case *ast.MappingNode:
		if path != "" {
			path += "."
		}
		for _, pair := range node.Values {
			f.add(pair.Value, path+pair.Key.GetToken().Value, pair.Key.GetToken())
		}
	case *ast.SequenceNode:
		for i, item := range node.Values {
			f.add(item, fmt.Sprintf("%s[%d]", path, i), item.GetToken())
		}
		if path == "partners" {
			f.partners = len(node.Values)
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		f.mistakes = append(f.mistakes, fmt.Errorf("%s: a value begins with &, * or !; put it in quotes", e.place))
	case *ast.StringNode:
		// YAML does not allow this, and the parser takes it within braces.
		if node.Token.Type == token.StringType && strings.Contains(node.Value, ": ") {
			f.mistakes = append(f.mistakes, fmt.Errorf("%s: a comma or a quote is missing", e.place))
		}
	}
}

// valueOf is the text of a value as it is written, and not as the number or the date that YAML
// makes of it: a client secret 0012 would become 10.
func valueOf(node ast.Node) (string, form) {
	switch node := node.(type) {
	case *ast.MappingNode:
		return "", mapping
	case *ast.SequenceNode:
		return listOf(node)
	case *ast.NullNode:
		return "", nothing
	case *ast.LiteralNode:
		return strings.TrimRight(node.Value.Value, "\n"), scalar
	}
	return node.GetToken().Value, scalar
}

func listOf(node *ast.SequenceNode) (string, form) {
	var texts []string
	for _, item := range node.Values {
		text, form := valueOf(item)
		if form != scalar {
			return "", list
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return "", nothing
	}
	return strings.Join(texts, ", "), words
}

// quoted are parts of a message of the parser that may repeat a secret.
var quoted = regexp.MustCompile(`:? ".*"`)

var duplicate = regexp.MustCompile(`^mapping key "(.*)" already defined at \[(\d+):\d+\]$`)

// syntaxError is the message of the parser with its line, and without the source that the parser
// would show.
func syntaxError(path string, err error) error {
	e, ok := errors.AsType[yaml.Error](err)
	if !ok {
		return fmt.Errorf("%s is not YAML", path)
	}
	message := quoted.ReplaceAllString(e.GetMessage(), "")
	if key := duplicate.FindStringSubmatch(e.GetMessage()); key != nil {
		return fmt.Errorf("%s line %d: %s is given twice, first on line %s", path, e.GetToken().Position.Line, key[1],
			key[2])
	}
	return fmt.Errorf("%s line %d: %s; check indentation, colons and quotes", path, e.GetToken().Position.Line, message)
}
