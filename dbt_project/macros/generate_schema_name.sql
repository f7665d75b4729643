{# A schema is called what it says (core, marts), on every target; dbt's own rule would make main_core of it. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
