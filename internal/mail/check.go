package mail

import (
	"fmt"
	"reflect"
	"regexp"
	"text/template/parse"
)

var (
	// A template error of the standard library: template: FILE:LINE:COLUMN: executing "FILE" at
	// <.Field>: cause.
	standardError = regexp.MustCompile(
		`^(?:html/)?template: ?([^:]+):(\d+)(?::\d+)?: (?:executing "[^"]*" at )?(?s:(.*))$`)
	position = regexp.MustCompile(`^(.+):(\d+):\d+$`)
)

// templateError rewrites an error of the template packages so that it begins with file and line.
func templateError(err error) error {
	if m := standardError.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s line %s: %s", m[1], m[2], m[3])
	}
	return err
}

// checkFields looks for fields that do not exist, also in branches that no sample reaches.
func checkFields(tree *parse.Tree) error {
	var found error
	walk(tree.Root, func(node parse.Node, name string) {
		if _, ok := reflect.TypeFor[Fields]().FieldByName(name); ok || found != nil {
			return
		}
		at, _ := tree.ErrorContext(node)
		if m := position.FindStringSubmatch(at); m != nil {
			at = m[1] + " line " + m[2]
		}
		found = fmt.Errorf("%s: there is no field .%s; the fields are %s", at, name, fieldNames())
	})
	return found
}

// walk calls visit for each field of the data that a template names.
func walk(node parse.Node, visit func(node parse.Node, name string)) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				walk(child, visit)
			}
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.IfNode:
		walkBranch(&n.BranchNode, visit)
	case *parse.WithNode:
		walkBranch(&n.BranchNode, visit)
	case *parse.RangeNode:
		walkBranch(&n.BranchNode, visit)
	case *parse.TemplateNode:
		walk(n.Pipe, visit)
	case *parse.PipeNode:
		if n != nil {
			for _, command := range n.Cmds {
				for _, argument := range command.Args {
					walk(argument, visit)
				}
			}
		}
	case *parse.ChainNode:
		walk(n.Node, visit)
	case *parse.FieldNode:
		visit(n, n.Ident[0])
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			visit(n, n.Ident[1])
		}
	}
}

func walkBranch(n *parse.BranchNode, visit func(node parse.Node, name string)) {
	walk(n.Pipe, visit)
	walk(n.List, visit)
	walk(n.ElseList, visit)
}
