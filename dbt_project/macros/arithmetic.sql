{# Arithmetic that comes out the same on every engine the models run on. #}

{# A sum of whole numbers stays one (DuckDB widens it to a type that others lack). #}
{% macro total(expression) -%}
    cast(sum({{ expression }}) as bigint)
{%- endmacro %}

{# Null, and not an error or infinity, where there is nothing to divide by. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{% macro change_pct(now, before) -%}
    100 * {{ ratio('(' ~ now ~ ' - ' ~ before ~ ')', before) }}
{%- endmacro %}

{% macro add_months(date, months) -%}
    cast({{ dbt.dateadd('month', months, date) }} as date)
{%- endmacro %}
