package messages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources are the texts that stand in the program for people on a terminal.
type sources struct {
	formats, sentences map[string]bool
	constants          map[string]string // of the package that is read
}

// readSources finds them where they are used: the formats of what commands print, and the hints of
// errors.
func readSources(t *testing.T) sources {
	t.Helper()
	s := sources{formats: map[string]bool{}, sentences: map[string]bool{}}
	for _, folder := range []string{"cmd/mcaledger", "jobs", "internal/demo", "internal/partnercenter",
		"internal/store"} {
		paths, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
		require.NoError(t, err)
		var files []*ast.File
		s.constants = map[string]string{}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			require.NoError(t, err)
			files = append(files, file)
			s.readConstants(file)
		}
		for _, file := range files {
			ast.Inspect(file, s.read)
		}
	}
	return s
}

func (s sources) readConstants(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != len(spec.Names) {
			return true
		}
		for i, name := range spec.Names {
			if text, ok := s.text(spec.Values[i]); ok {
				s.constants[name.Name] = text
			}
		}
		return true
	})
}

// text is the value of a constant text.
func (s sources) text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, ok := s.constants[e.Name]
		return text, ok
	case *ast.BinaryExpr:
		left, ok := s.text(e.X)
		right, also := s.text(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}

// sentence is a text with %s for what is not constant in it, of a format its format.
func (s sources) sentence(e ast.Expr) string {
	if text, ok := s.text(e); ok {
		return text
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return s.sentence(e.X) + s.sentence(e.Y)
	case *ast.CallExpr:
		if nameOf(e) == "Sprintf" {
			return s.sentence(e.Args[0])
		}
	}
	return "%s"
}

func nameOf(call *ast.CallExpr) string {
	switch called := call.Fun.(type) {
	case *ast.SelectorExpr:
		return called.Sel.Name
	case *ast.Ident:
		return called.Name
	}
	return ""
}

// printers are the functions whose first argument is a format or a text for people.
var printers = []string{"printf", "answerf", "instruct", "sprintf", "left", "right"}

func (s sources) read(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		s.readCall(n)
	case *ast.FuncDecl:
		if n.Name.Name == "Hint" {
			s.readHint(n.Body)
		}
	case *ast.KeyValueExpr:
		key, _ := n.Key.(*ast.Ident)
		switch {
		case key != nil && key.Name == "ask":
			add(s.formats, s.sentence(n.Value))
		case key != nil && (key.Name == "Check" || key.Name == "Message" || key.Name == "Complete"): // of a finding
			add(s.sentences, s.sentence(n.Value))
		case key == nil || key.Name != "Long":
			s.addSentence(n.Value)
		}
	case *ast.AssignStmt:
		// What a check is called, and what it says when it passed.
		if name, ok := n.Lhs[0].(*ast.Ident); ok && (name.Name == "check" || name.Name == "fine") {
			add(s.sentences, s.sentence(n.Rhs[0]))
		}
	case *ast.CompositeLit:
		kind, _ := n.Type.(*ast.Ident)
		for i, element := range n.Elts {
			if kind != nil && kind.Name == "Finding" && len(n.Elts) == 4 && i != 1 {
				add(s.sentences, s.sentence(element))
			}
			s.addSentence(element)
		}
	}
	return true
}

func (s sources) readCall(call *ast.CallExpr) {
	name := nameOf(call)
	switch {
	case len(call.Args) == 0:
	case slices.Contains(printers, name):
		if format, ok := s.text(call.Args[0]); ok {
			add(s.formats, format)
		}
	case name == "tell": // of the demo
		add(s.sentences, s.sentence(call.Args[0]))
	case name == "note":
		add(s.sentences, s.sentence(call.Args[0]))
		add(s.sentences, s.sentence(call.Args[1]))
	case name == "partialHint":
		add(s.sentences, s.sentence(call.Args[1]))
		add(s.sentences, s.sentence(call.Args[2]))
	case name == "plural":
		noun := s.sentence(call.Args[1])
		add(s.sentences, "1 "+noun)
		add(s.sentences, "%d "+noun+"s")
	}
}

func (s sources) readHint(body ast.Node) {
	ast.Inspect(body, func(n ast.Node) bool {
		if returned, ok := n.(*ast.ReturnStmt); ok {
			add(s.sentences, s.sentence(returned.Results[0]))
		}
		return true
	})
}

// addSentence adds an element of a table if it is a sentence.
func (s sources) addSentence(e ast.Expr) {
	if text, ok := s.text(e); ok && strings.Contains(text, " ") && strings.HasSuffix(text, ".") {
		s.sentences[text] = true
	}
}

// add adds a text that has letters: the rest is the same in all languages. Values that touch could
// not be told apart.
func add(to map[string]bool, text string) {
	if strings.ContainsFunc(verb.ReplaceAllString(text, ""), isLetter) && !strings.Contains(text, "%s%s") {
		to[text] = true
	}
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
