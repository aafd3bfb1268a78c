// Command generate writes the table of Kubernetes types that the crate embeds.
//
// It asks the published Go types by reflection what a server would read and write
// (names, kinds of scalars, pointers, omitempty), the published apply schemas how
// lists and maps merge, and the recorded discovery document which kinds are served.
//
//	go run . ../data/discovery-v1.36.json > ../data/types-v1.36.txt
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// The part of a merge schema that is needed here.
type typeDef struct {
	Name string `json:"name"`
	atom
}
type atom struct {
	Scalar *string   `json:"scalar"`
	List   *listAtom `json:"list"`
	Map    *mapAtom  `json:"map"`
}
type typeRef struct {
	NamedType           *string `json:"namedType"`
	ElementRelationship *string `json:"elementRelationship"`
	atom
}
type listAtom struct {
	ElementType         typeRef  `json:"elementType"`
	ElementRelationship string   `json:"elementRelationship"`
	Keys                []string `json:"keys"`
}
type mapAtom struct {
	Fields              []mergeField `json:"fields"`
	ElementType         *typeRef     `json:"elementType"`
	ElementRelationship string       `json:"elementRelationship"`
}
type mergeField struct {
	Name    string      `json:"name"`
	Type    typeRef     `json:"type"`
	Default interface{} `json:"default"`
}

var merges = map[string]typeDef{}

// The schemas are published as text inside Go files that other modules cannot import.
func loadMerges(module string) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	check(err)
	inside := "applyconfigurations/internal/internal.go"
	if module == "k8s.io/apiextensions-apiserver" {
		inside = "pkg/client/applyconfiguration/internal/internal.go"
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), inside))
	check(err)
	parts := strings.Split(string(text), "`")
	for _, part := range parts {
		if !strings.HasPrefix(part, "types:") {
			continue
		}
		var all struct {
			Types []typeDef `json:"types"`
		}
		check(yaml.Unmarshal([]byte(part), &all))
		for _, def := range all.Types {
			merges[def.Name] = def
		}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

var names = map[reflect.Type]string{}
var pending []reflect.Type
var lines = map[string][]string{}

func shortName(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	return path[len(path)-2] + "/" + path[len(path)-1] + "." + t.Name()
}

// The merge schema names types after their Go packages, with dots.
func mergeName(t reflect.Type) string {
	path := t.PkgPath()
	path = strings.TrimPrefix(path, "k8s.io/")
	return "io.k8s." + strings.ReplaceAll(path, "/", ".") + "." + t.Name()
}

var leaves = map[reflect.Type]string{
	reflect.TypeOf(resource.Quantity{}):                            "quantity",
	reflect.TypeOf(intstr.IntOrString{}):                           "intstr",
	reflect.TypeOf(metav1.Time{}):                                  "time",
	reflect.TypeOf(metav1.MicroTime{}):                             "microtime",
	reflect.TypeOf(metav1.Duration{}):                              "duration",
	reflect.TypeOf(runtime.RawExtension{}):                         "any",
	reflect.TypeOf(metav1.FieldsV1{}):                              "any",
	reflect.TypeOf(apiextensionsv1.JSON{}):                         "any",
	reflect.TypeOf(apiextensionsv1.JSONSchemaPropsOrArray{}):       "any",
	reflect.TypeOf(apiextensionsv1.JSONSchemaPropsOrBool{}):        "any",
	reflect.TypeOf(apiextensionsv1.JSONSchemaPropsOrStringArray{}): "any",
}

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

func expr(t reflect.Type, merge *typeRef) string {
	if leaf, ok := leaves[t]; ok {
		return leaf
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(unmarshaler) {
		panic("no leaf for " + t.String())
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + expr(t.Elem(), merge)
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int64:
		return t.Kind().String()
	case reflect.Float64:
		return "float"
	case reflect.Uint8:
		return "uint8"
	case reflect.Struct:
		if t.PkgPath() == "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1" && t.Name() == "JSONSchemaProps" {
			return "any"
		}
		name := visit(t)
		if merge != nil && merge.ElementRelationship != nil && *merge.ElementRelationship == "atomic" {
			return "!" + name
		}
		return name
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		marker, element := "atomic", (*typeRef)(nil)
		if merge != nil && merge.List != nil {
			list := merge.List
			element = &list.ElementType
			if list.ElementRelationship == "associative" {
				marker = "set"
				if len(list.Keys) > 0 {
					marker = strings.Join(list.Keys, "+")
					for _, key := range list.Keys {
						keys[shortName(t.Elem())+" "+key] = true
					}
				}
			}
		}
		return "[" + marker + "]" + expr(t.Elem(), element)
	case reflect.Map:
		marker, element := "map", (*typeRef)(nil)
		if merge != nil && merge.Map != nil {
			element = merge.Map.ElementType
			if merge.Map.ElementRelationship == "atomic" {
				marker = "atomicmap"
			}
		}
		return "{" + marker + "}" + expr(t.Elem(), element)
	}
	panic("no expression for " + t.String())
}

func visit(t reflect.Type) string {
	if name, ok := names[t]; ok {
		return name
	}
	names[t] = shortName(t)
	pending = append(pending, t)
	return names[t]
}

// The number of a field on the wire, which the published types carry as a tag.
func wireNumber(field reflect.StructField) string {
	parts := strings.Split(field.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

// What a struct is in that is not sent at all: the envelope says what an object is.
const nowhere = "nowhere"

// The fields of a struct; inside is the way on the wire to a struct that JSON flattens.
func fields(t reflect.Type, merge map[string]mergeField, inside string) []string {
	var out []string
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		tag, tagged := field.Tag.Lookup("json")
		parts := strings.Split(tag, ",")
		if parts[0] == "-" || !field.IsExported() {
			continue
		}
		if field.Anonymous && parts[0] == "" {
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			nested := nowhere
			if number := wireNumber(field); number != "" && inside != nowhere {
				nested = inside + number + "/"
			}
			out = append(out, fields(inner, merge, nested)...)
			continue
		}
		if !tagged {
			panic("no tag on " + t.String() + "." + field.Name)
		}
		flags := ""
		for _, option := range parts[1:] {
			switch option {
			case "omitempty":
				flags += "o"
			case "omitzero":
				flags += "z"
			}
		}
		if flags == "" {
			flags = "-"
		}
		var ref *typeRef
		key := ""
		if m, ok := merge[parts[0]]; ok {
			ref = &m.Type
			if m.Default != nil {
				text, err := json.Marshal(m.Default)
				check(err)
				key = " =" + string(text)
			}
		}
		if t.Name() == "CustomResourceDefinitionStatus" && parts[0] == "conditions" {
			// No apply schema is published for this type; its markers say: a map by type.
			keyed := typeRef{atom: atom{List: &listAtom{ElementRelationship: "associative", Keys: []string{"type"}}}}
			ref = &keyed
		}
		line := fmt.Sprintf("  %s %s %s%s", parts[0], flags, expr(field.Type, ref), key)
		if number := wireNumber(field); number != "" && inside != nowhere {
			line += " #" + inside + number
		}
		if strategy := field.Tag.Get("patchStrategy"); strategy != "" {
			line += " ~" + strategy
			if mergeKey := field.Tag.Get("patchMergeKey"); mergeKey != "" {
				line += ":" + mergeKey
			}
		}
		out = append(out, line)
	}
	return out
}

// The fields by which items of lists are known, as "TYPE FIELD".
var keys = map[string]bool{}

// Defaults matter only for fields that are part of a key.
func onlyKeyDefault(head, line string) string {
	words := strings.Fields(line)
	if keys[head+" "+words[0]] {
		return line
	}
	var kept []string
	for _, word := range words {
		if !strings.HasPrefix(word, "=") {
			kept = append(kept, word)
		}
	}
	return "  " + strings.Join(kept, " ")
}

func main() {
	for _, module := range []string{"k8s.io/client-go", "k8s.io/apiextensions-apiserver"} {
		loadMerges(module)
	}

	served := map[schema.GroupVersionKind]bool{}
	var document struct {
		Discovery map[string]struct {
			Items []struct {
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
				Versions []struct {
					Version   string `json:"version"`
					Resources []struct {
						ResponseKind struct{ Group, Version, Kind string } `json:"responseKind"`
						Subresources []struct {
							ResponseKind struct{ Group, Version, Kind string } `json:"responseKind"`
						} `json:"subresources"`
					} `json:"resources"`
				} `json:"versions"`
			} `json:"items"`
		} `json:"discovery"`
	}
	text, err := os.ReadFile(os.Args[1])
	check(err)
	check(json.Unmarshal(text, &document))
	for _, list := range document.Discovery {
		for _, group := range list.Items {
			for _, version := range group.Versions {
				for _, res := range version.Resources {
					served[schema.GroupVersionKind{Group: group.Metadata.Name, Version: version.Version, Kind: res.ResponseKind.Kind}] = true
					for _, sub := range res.Subresources {
						gvk := schema.GroupVersionKind{Group: sub.ResponseKind.Group, Version: sub.ResponseKind.Version, Kind: sub.ResponseKind.Kind}
						if gvk.Version != "" {
							served[gvk] = true
						}
					}
				}
			}
		}
	}
	check(apiextensionsv1.AddToScheme(scheme.Scheme))

	var roots []string
	for gvk := range served {
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			fmt.Fprintln(os.Stderr, "left out:", gvk)
			continue
		}
		t := reflect.TypeOf(object).Elem()
		roots = append(roots, fmt.Sprintf("%s %s %s", gvk.GroupVersion(), gvk.Kind, visit(t)))
	}
	roots = append(roots, "v1 DeleteOptions "+visit(reflect.TypeOf(metav1.DeleteOptions{})))
	roots = append(roots, "policy/v1 Eviction "+visit(reflect.TypeOf(policyv1.Eviction{})))
	for len(pending) > 0 {
		t := pending[0]
		pending = pending[1:]
		merge := map[string]mergeField{}
		head := names[t]
		if def, ok := merges[mergeName(t)]; ok {
			if def.Map != nil {
				for _, field := range def.Map.Fields {
					merge[field.Name] = field
				}
				if def.Map.ElementRelationship == "atomic" {
					head += " atomic"
				}
			}
		}
		lines[head] = fields(t, merge, "")
	}
	sort.Strings(roots)
	last := ""
	for _, root := range roots {
		if root != last {
			fmt.Println("kind " + root)
		}
		last = root
	}
	var heads []string
	for head := range lines {
		heads = append(heads, head)
	}
	sort.Strings(heads)
	for _, head := range heads {
		fmt.Println("type " + head)
		for _, line := range lines[head] {
			fmt.Println(onlyKeyDefault(strings.TrimSuffix(head, " atomic"), line))
		}
	}
}
