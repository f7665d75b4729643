{# What analysts would miss in core and marts: a table's description or subject, a column's description. #}
{% macro published_gaps() %}
    {% set gaps = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.schema in ('core', 'marts') %}
        {% if not node.description or not node.config.meta.get('subject') %}
            {% do gaps.append(node.name) %}
        {% endif %}
        {% for column in node.columns.values() if not column.description %}
            {% do gaps.append(node.name ~ '.' ~ column.name) %}
        {% endfor %}
    {% endfor %}
    {% do return(gaps) %}
{% endmacro %}
