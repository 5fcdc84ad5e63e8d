package openapi

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestALibraryOfOthersAcceptsTheDocument holds the document, its schemas, defaults and examples against kin-openapi's reading of OpenAPI 3.1.
func TestALibraryOfOthersAcceptsTheDocument(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(Document())
	if err != nil {
		t.Fatal(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("it is of version %s", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation(), openapi3.EnableSchemaFormatValidation(), openapi3.EnableSchemaPatternValidation()); err != nil {
		t.Error(err)
	}
}
