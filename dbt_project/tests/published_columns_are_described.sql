-- Each table of core and marts has a description and a subject, each of its columns a description.
{% for gap in (published_gaps() if execute else []) %}
select '{{ gap }}' as undescribed
{{ 'union all' if not loop.last }}
{% else %}
select 'none' as undescribed
where false
{% endfor %}
